//! The manager's tasks: what wakes services, and the passes that look at them.

use crate::{
    Identities, ManagerFigures, ManagerSettings, backoff,
    clock::Clock,
    entry_configs::EntryConfigs,
    execute::{Executor, Images, Works},
    explain,
    pass::Passes,
    queue::Queue,
    read::{DEAD, Reader},
    reaper::Reaper,
    volumes::Volumes,
};
use aerie_cloud::Cloud;
use aerie_domain::{DirectorId, ServiceId};
use aerie_kinds::Kinds;
use aerie_store::{Listener, Signal, Store};
use futures_util::StreamExt;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, broadcast},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// How often to ask the database which services need a manager, for wake-ups that were lost. Longer: such a service
/// waits longer; shorter: a list of all services is read more often.
const RESYNC: Duration = Duration::from_secs(30);

/// How long after an event its service is looked at again. The engine tells of an end before its list of containers shows
/// it (measured on a busy machine: up to some hundred milliseconds later), so the first look may come too early.
const ENGINE_SETTLES: [Duration; 3] =
    [Duration::from_millis(150), Duration::from_millis(600), Duration::from_millis(3000)];

/// Pause before the engine is asked again whether it is there.
const ENGINE_PAUSE: Duration = Duration::from_secs(1);

/// How often this director says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Operations are ended when they are this old. Longer than anything that a rule or a pass ends by itself, and than the
/// longest build of an image.
const OVERDUE: Duration = Duration::from_secs(45 * 60);

/// How often to look for them.
const OVERDUE_CHECK: Duration = Duration::from_secs(60);

/// How long passes may take to end when the process ends. What they leave undone is done by whoever is next.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a manager is made from.
pub struct ManagerParts {
    /// The database.
    pub store: Store,
    /// Where containers run.
    pub cloud: Arc<dyn Cloud>,
    /// The loaded kinds.
    pub kinds: Kinds,
    /// This process: a fresh id per start.
    pub director: DirectorId,
    /// How instances prove who they are.
    pub identities: Arc<dyn Identities>,
    /// The installation.
    pub settings: ManagerSettings,
}

/// The managers of all services that this process gets the leases of.
pub struct Manager {
    passes: Arc<Passes>,
    store: Store,
    cloud: Arc<dyn Cloud>,
    director: DirectorId,
    settings: Arc<ManagerSettings>,
    images: Arc<Images>,
    queue: Arc<Queue<ServiceId>>,
    figures: ManagerFigures,
    signals: Option<broadcast::Receiver<Signal>>,
}

impl Manager {
    /// A manager that does nothing until it is run.
    pub fn new(parts: ManagerParts) -> Self {
        let ManagerParts { store, cloud, kinds, director, identities, settings } = parts;
        let settings = Arc::new(settings);
        let queue = Arc::new(Queue::default());
        let images = Arc::new(Images::new(cloud.clone(), queue.clone()));
        let passes = Passes {
            director,
            reader: Reader {
                director,
                store: store.clone(),
                cloud: cloud.clone(),
                kinds,
                settings: settings.clone(),
                clock: Clock::new(),
                entry: Mutex::new(None),
                entry_configs: EntryConfigs::default(),
            },
            executor: Executor {
                store: store.clone(),
                cloud: cloud.clone(),
                identities,
                settings: settings.clone(),
                works: Works::new(queue.clone(), settings.container_concurrency),
                images: images.clone(),
            },
            queue: queue.clone(),
        };
        Self {
            passes: Arc::new(passes),
            store,
            cloud,
            director,
            settings,
            images,
            figures: ManagerFigures::new(queue.clone()),
            queue,
            signals: None,
        }
    }

    /// What it is doing, as numbers.
    pub fn figures(&self) -> ManagerFigures {
        self.figures.clone()
    }

    /// Uses the process' listener instead of one of its own. Subscribe before running.
    #[must_use]
    pub fn with_signals(mut self, signals: broadcast::Receiver<Signal>) -> Self {
        self.signals = Some(signals);
        self
    }

    /// Manages until cancelled; then gives its leases back, so that others can go on at once.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut own_listener = None;
        let signals = self.signals.take().unwrap_or_else(|| {
            let listener = Listener::start(&self.store, &cancel);
            let signals = listener.subscribe();
            own_listener = Some(listener);
            signals
        });
        let reaper = Reaper::new(self.store.clone(), self.cloud.clone(), self.settings.clone());
        let volumes = Volumes::new(
            self.store.clone(),
            self.cloud.clone(),
            self.settings.clone(),
            self.passes.reader.kinds.clone(),
        );
        tokio::select! {
            // These never end; dropping them loses hints only, which the next process does not need.
            () = self.hear(signals) => {}
            () = self.watch_engine() => {}
            () = self.resync_now_and_then() => {}
            () = self.show_life() => {}
            () = self.prepare_images() => {}
            () = self.passes.reader.clock.run() => {}
            () = self.end_overdue_operations() => {}
            () = reaper.run() => {}
            () = volumes.run() => {}
            // Ends with `cancel`, after its passes.
            () = self.look(&cancel) => {}
        }
        self.passes.executor.works.stop().await;
        self.images.stop().await;
        if let Some(listener) = own_listener {
            listener.stop().await;
        }
        if let Err(error) = self.store.leases_release_all(self.director).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "leases were not given back; they end by themselves"
            );
        }
    }

    /// Has images ready before they are asked for. Never ends, since it is one of several that run side by side.
    async fn prepare_images(&self) {
        if self.settings.prepare_images {
            self.images.prepare(&self.passes.reader.kinds).await;
        }
        std::future::pending::<()>().await;
    }

    /// Passes, as many at a time as allowed.
    async fn look(&self, cancel: &CancellationToken) {
        let permits = Arc::new(Semaphore::new(self.settings.concurrency.max(1)));
        let mut running = JoinSet::new();
        loop {
            let next = async {
                let permit = permits.clone().acquire_owned().await;
                (permit, self.queue.next().await)
            };
            let (permit, service) = tokio::select! {
                // Cancel-safe: a token stays cancelled.
                () = cancel.cancelled() => break,
                // Cancel-safe: a key is taken in the last step; a permit that was had before is given back.
                next = next => next,
            };
            let (passes, queue, figures) = (self.passes.clone(), self.queue.clone(), self.figures.clone());
            running.spawn(async move {
                let _permit = permit;
                // a pass that panics must not leave its key running for ever
                let mut end = End { queue, figures, service, outcome: crate::queue::Outcome::Failed };
                end.outcome = passes.pass(service).await;
            });
            while running.try_join_next().is_some() {}
        }
        let all = async { while running.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
    }

    async fn hear(&self, mut signals: broadcast::Receiver<Signal>) {
        loop {
            match signals.recv().await {
                Ok(Signal::Service(service)) => self.queue.wake(service),
                Ok(Signal::Events | Signal::Config(_)) => {}
                Ok(Signal::Resync) => {
                    // while nothing could be written, agents were not silent, we were deaf
                    self.passes.reader.clock.deaf();
                    self.resync(true).await;
                }
                Err(broadcast::error::RecvError::Lagged(_)) => self.resync(true).await,
                // the process ends
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    async fn watch_engine(&self) {
        let mut again: BTreeSet<(Instant, ServiceId)> = BTreeSet::new();
        let mut missed = false;
        loop {
            // Begins with what happens from now on: before the look at everything, so that nothing falls in between.
            let mut events = self.cloud.events();
            if std::mem::replace(&mut missed, true) {
                // Nobody told what happened meanwhile, and passes that failed wait for minutes.
                self.resync(true).await;
            }
            loop {
                let due = again.first().map(|(at, _)| *at);
                tokio::select! {
                    // Cancel-safe: an event that is not taken stays in the stream.
                    event = events.next() => match event {
                        Some(Ok(event)) => {
                            self.queue.wake(event.service);
                            again.extend(ENGINE_SETTLES.map(|wait| (Instant::now() + wait, event.service)));
                        }
                        Some(Err(error)) => {
                            let error = &error as &dyn std::error::Error;
                            tracing::warn!(error, "the container engine tells nothing any more");
                            break;
                        }
                        None => break,
                    },
                    // Cancel-safe: nothing is lost with a timer.
                    () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                        if let Some((_, service)) = again.pop_first() {
                            self.queue.wake(service);
                        }
                    }
                }
            }
            // Shorter: an engine that is down is asked all the time; longer: it is noticed later that it is back.
            sleep(ENGINE_PAUSE).await;
            while self.cloud.check().await.is_err() {
                sleep(ENGINE_PAUSE).await;
            }
        }
    }

    async fn resync_now_and_then(&self) {
        loop {
            self.resync(false).await;
            sleep(backoff::jitter(RESYNC)).await;
        }
    }

    /// Makes sure that every service that needs a manager will be looked at: `now`, or only those without a time.
    async fn resync(&self, now: bool) {
        match self.store.managed_services().await {
            Ok(services) => {
                for service in services {
                    if now {
                        self.queue.wake(service);
                    } else {
                        self.queue.schedule_if_absent(service, Instant::now());
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the services to manage could not be listed");
            }
        }
    }

    async fn show_life(&self) {
        loop {
            if let Err(error) = self.store.director_heartbeat(self.director, self.settings.agent_port).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the sign of life was not written");
                // nor is what agents tell
                self.passes.reader.clock.deaf();
            } else if let Err(error) = self.store.directors_prune(DEAD).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "dead directors were not forgotten");
            }
            sleep(HEARTBEAT).await;
        }
    }
}

impl Manager {
    /// The last resort: whatever the cause, nobody waits for an answer for ever. Rules and passes say more, and earlier.
    async fn end_overdue_operations(&self) {
        loop {
            sleep(backoff::jitter(OVERDUE_CHECK)).await;
            if !self.passes.reader.clock.is_steady_for(OVERDUE) {
                continue;
            }
            match self.store.operations_end_overdue(OVERDUE, explain::OVERDUE).await {
                Ok(0) => {}
                Ok(ended) => tracing::warn!(ended, "operations that nobody finished were ended"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "overdue operations could not be ended");
                }
            }
        }
    }
}

/// Tells the queue that a pass is over, however it ended.
struct End {
    queue: Arc<Queue<ServiceId>>,
    figures: ManagerFigures,
    service: ServiceId,
    outcome: crate::queue::Outcome,
}

impl Drop for End {
    fn drop(&mut self) {
        self.figures.count(self.outcome);
        self.queue.done(self.service, self.outcome);
    }
}
