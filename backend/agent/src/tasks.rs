//! Tasks: scripts that people ask for by a button. Each runs once, in a process group of its own, beside everything else.
//!
//! Guarantees: a task is started at most once. Its life names this agent's or it is left alone, and what was started is
//! remembered for as long as it is in the configuration. Tasks wait for the first configuration to be applied, since they
//! need its code and files, and for nothing after that: a configuration that cannot be applied does not hold up the one
//! that shall stop a task. Caveat: what leaves its process group (`setsid`) is not ended with it, but with the instance.

mod flows;
mod run;

use crate::{apply::Targets, blobs::Blobs, host::Host};
use aerie_agent_protocol::{InstanceConfig, TaskProgress, TaskSpec};
use aerie_domain::ActionRunId;
use run::{Order, run};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// The one that starts and stops tasks.
pub(crate) struct Tasks {
    host: Host,
    blobs: Arc<dyn Blobs>,
    targets: watch::Receiver<Option<Arc<InstanceConfig>>>,
    /// Those that run.
    running: BTreeMap<ActionRunId, Running>,
    ends: JoinSet<(ActionRunId, TaskProgress)>,
}

struct Running {
    spec: TaskSpec,
    orders: watch::Sender<Order>,
    /// Somebody asked it to end already: the next one who does means it.
    asked: bool,
    /// Tasks that get TERM when this one has ended.
    stops: Vec<ActionRunId>,
}

enum Event {
    Target,
    Ended(ActionRunId, TaskProgress),
}

impl Tasks {
    /// Runs the tasks of what `targets` gets. What goes in and out of them comes from `blobs` and goes there.
    pub(crate) fn new(host: Host, targets: &Targets, blobs: Arc<dyn Blobs>) -> Self {
        Self { host, blobs, targets: targets.subscribe(), running: BTreeMap::new(), ends: JoinSet::new() }
    }

    /// Runs tasks until told to stop; then asks all of them to end and kills what has not ended in time.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // Dropping the first branch is safe: it only waits between changes of its own books.
        tokio::select! {
            () = self.follow() => {}
            () = stop.cancelled() => {}
        }
        self.stop().await;
    }

    async fn follow(&mut self) {
        let mut board = self.host.board.subscribe();
        if board.wait_for(|state| state.applied > 0).await.is_err() {
            return;
        }
        self.targets.mark_changed();
        loop {
            // Both branches are cancel-safe: a target stays marked, an end stays in the set.
            let event = tokio::select! {
                changed = self.targets.changed() => match changed {
                    Ok(()) => Event::Target,
                    // Nobody can send one any more: the agent is ending.
                    Err(_) => std::future::pending().await,
                },
                Some(Ok((id, end))) = self.ends.join_next() => Event::Ended(id, end),
            };
            match event {
                Event::Target => self.take_up(),
                Event::Ended(id, end) => self.ended(id, end),
            }
        }
    }

    /// Starts what is new and kills what is no longer wanted.
    fn take_up(&mut self) {
        let Some(target) = self.targets.borrow_and_update().clone() else { return };
        let wanted = |id: &ActionRunId| target.tasks.iter().any(|task| task.id == *id);
        for (_, running) in self.running.iter().filter(|(id, _)| !wanted(id)) {
            running.orders.send_replace(Order::Kill);
        }
        self.host.board.update(|state| state.tasks.retain(|id, _| wanted(id)));
        let state = self.host.board.now();
        let new = |task: &&TaskSpec| Some(task.life) == state.life && !state.tasks.contains_key(&task.id);
        for task in target.tasks.iter().filter(new) {
            self.start(task, &target.environment);
        }
    }

    fn start(&mut self, task: &TaskSpec, environment: &BTreeMap<String, String>) {
        self.host.board.update(|state| {
            state.tasks.insert(task.id, TaskProgress::Running);
        });
        let mut stops = Vec::new();
        for (id, other) in &mut self.running {
            if task.stops.contains(&other.spec.name) {
                if std::mem::replace(&mut other.asked, true) {
                    other.orders.send_replace(Order::Kill);
                } else {
                    stops.push(*id);
                }
            }
        }
        let orders = watch::Sender::new(Order::GoOn);
        let environment = self.host.environment(Some(&task.role), environment, &task.environment);
        self.host.output.info(format!("running {}", task.name));
        let (host, blobs, spec) = (self.host.clone(), Arc::clone(&self.blobs), task.clone());
        let (id, heard) = (task.id, orders.subscribe());
        self.ends.spawn(async move { (id, run(&host, &*blobs, &spec, &environment, heard).await) });
        self.running.insert(id, Running { spec: task.clone(), orders, asked: false, stops });
    }

    fn ended(&mut self, id: ActionRunId, end: TaskProgress) {
        let Some(Running { spec, stops, .. }) = self.running.remove(&id) else { return };
        if let TaskProgress::Ended { message, .. } = &end {
            let first = message.lines().next().unwrap_or_default();
            self.host.output.info(format!("{} {first}", spec.name));
        }
        for other in stops.iter().filter_map(|id| self.running.get(id)) {
            other.orders.send_if_modified(|order| order.raise(Order::Term));
        }
        self.host.board.update(|state| {
            // Gone from the configuration: nobody asks how it ended.
            if let Some(progress) = state.tasks.get_mut(&id) {
                *progress = end;
            }
        });
    }

    async fn stop(mut self) {
        let longest = self.running.values().map(|task| task.spec.stop_timeout_s).max().unwrap_or(0);
        for task in self.running.values() {
            task.orders.send_if_modified(|order| order.raise(Order::Term));
        }
        let late = sleep(Duration::from_secs(longest.into()));
        // Dropping the first branch loses only ends that nobody is told of any more.
        tokio::select! {
            () = async { while self.ends.join_next().await.is_some() {} } => return,
            () = late => {}
        }
        for task in self.running.values() {
            task.orders.send_replace(Order::Kill);
        }
        // Dropped with the set, what is still there is killed in any case.
        let _ =
            tokio::time::timeout(run::KILL_PATIENCE, async { while self.ends.join_next().await.is_some() {} }).await;
    }
}

#[cfg(test)]
mod tests;
