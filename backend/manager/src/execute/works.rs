//! Containers that are being made or removed, in the background: a pass never waits for the engine, so that a stop that
//! comes while instances start is heard at once.
//!
//! Guarantees: one work per instance at a time; when it ends, its service is looked at again; everything ends when this
//! is dropped. Caveat: it is known to this process only — after a restart the inventory tells what became of it.

use super::turns::Turns;
use crate::{
    backoff,
    clock::Moment,
    queue::Queue,
    world::{Task, Work},
};
use aerie_cloud::{CloudError, CloudErrorKind};
use aerie_domain::{InstanceId, ServiceId, UserId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// The works of this process.
pub(crate) struct Works {
    entries: Arc<Entries>,
    tasks: TaskTracker,
    starts: Turns,
    /// Of their own: a removal waits for processes that end slowly, and nobody's start shall wait for that.
    removals: Arc<Semaphore>,
    cancel: CancellationToken,
    _stop: DropGuard,
}

struct Entries {
    by_service: Mutex<HashMap<ServiceId, HashMap<InstanceId, Entry>>>,
    queue: Arc<Queue<ServiceId>>,
}

#[derive(Debug, Clone)]
struct Entry {
    task: Task,
    /// Of this task, in a row.
    attempts: u32,
    work: Work,
    /// After a failure: not to be tried before. By our own clock, which nobody sets.
    retry_at: Instant,
}

/// Puts down the result of a work, also of one that was cut short.
struct Ending {
    entries: Arc<Entries>,
    service: ServiceId,
    instance: InstanceId,
    result: Option<Result<(), CloudError>>,
}

impl Works {
    /// At most `concurrency` starts at a time, and four times as many removals, which mostly wait.
    pub fn new(queue: Arc<Queue<ServiceId>>, concurrency: usize) -> Self {
        let cancel = CancellationToken::new();
        Self {
            entries: Arc::new(Entries { by_service: Mutex::default(), queue }),
            tasks: TaskTracker::new(),
            starts: Turns::new(concurrency),
            removals: Arc::new(Semaphore::new(concurrency.max(1) * 4)),
            cancel: cancel.clone(),
            _stop: cancel.drop_guard(),
        }
    }

    /// What is being done to a service's instances. To be read before rows and inventory: a work writes its row before
    /// it ends, so what is idle here is settled there.
    pub fn of(&self, service: ServiceId, moment: &Moment) -> HashMap<InstanceId, Work> {
        let all = self.entries.all();
        let Some(entries) = all.get(&service) else { return HashMap::new() };
        let work = |entry: &Entry| {
            let mut work = entry.work.clone();
            if let Work::Failed { retry_at, .. } = &mut work {
                *retry_at = moment.at(entry.retry_at);
            }
            work
        };
        entries.iter().map(|(id, entry)| (*id, work(entry))).collect()
    }

    /// Where in the queue for starts the first of a service's instances is; nothing when none of them waits.
    pub fn position(&self, service: ServiceId) -> Option<usize> {
        self.starts.position(service)
    }

    /// Starts a work for this owner, unless one is under way. It fails when it takes longer than `limit`: an engine that hangs must
    /// not keep an instance busy for ever.
    pub fn start(
        &self,
        owner: UserId,
        service: ServiceId,
        instance: InstanceId,
        task: Task,
        limit: Duration,
        work: impl Future<Output = Result<(), CloudError>> + Send + 'static,
    ) {
        {
            let mut all = self.entries.all();
            let entry = all.entry(service).or_default().entry(instance).or_insert(Entry {
                task,
                attempts: 0,
                work: Work::Idle,
                retry_at: Instant::now(),
            });
            if entry.work == Work::Busy {
                return;
            }
            if entry.task != task {
                *entry = Entry { task, attempts: 0, work: Work::Idle, retry_at: Instant::now() };
            }
            entry.work = Work::Busy;
        }
        let ending = Ending { entries: self.entries.clone(), service, instance, result: None };
        // In line from here on, not from when the task gets to run.
        let turn = (task == Task::Run).then(|| self.starts.queue(owner, service));
        let removals = self.removals.clone();
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            // as a whole: an assignment alone would take only the field along
            let mut ending = ending;
            let work = async {
                let mut turn = turn;
                let _removal = match &mut turn {
                    Some(turn) => {
                        turn.come().await;
                        None
                    }
                    // never closed
                    None => removals.acquire().await.ok(),
                };
                tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
                    let message = format!("the container engine did not finish within {} s", limit.as_secs());
                    Err(CloudError::new(CloudErrorKind::Transient, message))
                })
            };
            tokio::select! {
                // Cancel-safe: a token stays cancelled.
                () = cancel.cancelled() => {}
                // Dropping it leaves what the engine has begun; the next pass finds out.
                result = work => ending.result = Some(result),
            }
        });
    }

    /// The instance is gone.
    pub fn forget(&self, service: ServiceId, instance: InstanceId) {
        let mut all = self.entries.all();
        if let Some(entries) = all.get_mut(&service) {
            entries.remove(&instance);
            if entries.is_empty() {
                all.remove(&service);
            }
        }
    }

    /// Ends everything and waits for it.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Entries {
    fn all(&self) -> MutexGuard<'_, HashMap<ServiceId, HashMap<InstanceId, Entry>>> {
        // every change is complete before anything can panic
        self.by_service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| {
            Err(CloudError::new(CloudErrorKind::Transient, "the work on its container was interrupted"))
        });
        {
            let mut all = self.entries.all();
            let Some(entries) = all.get_mut(&self.service) else { return };
            match result {
                Ok(()) => {
                    entries.remove(&self.instance);
                }
                Err(error) => {
                    tracing::warn!(
                        service.id = %self.service, instance.id = %self.instance,
                        error = &error as &dyn std::error::Error,
                        "work on a container failed"
                    );
                    if let Some(entry) = entries.get_mut(&self.instance) {
                        entry.attempts = entry.attempts.saturating_add(1);
                        entry.retry_at = Instant::now() + backoff::delay(entry.attempts);
                        entry.work = Work::Failed {
                            task: entry.task,
                            reason: crate::explain::cloud(&error),
                            attempts: entry.attempts,
                            // said by whoever asks
                            retry_at: OffsetDateTime::UNIX_EPOCH,
                            hopeless: error.kind == CloudErrorKind::InvalidSpec,
                        };
                    }
                }
            }
            if entries.is_empty() {
                all.remove(&self.service);
            }
        }
        self.entries.queue.wake(self.service);
    }
}
