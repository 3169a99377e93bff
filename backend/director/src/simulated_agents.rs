//! Agents of the simulated cloud: every container that runs there gets one that does what its row says, at once and with
//! success. So services of `AERIE_CLOUD=simulated` reach RUNNING and cost the director and its database what real ones do,
//! except for the connections.
//!
//! Started by `serve`; reads and writes the rows that the agent listener reads and writes. To make agents that fail, use
//! the simulated cloud's controls in tests.

use crate::{agents::SignsOfLife, errors::chain, load::LoadRecorder};
use aerie_agent_protocol::{
    CheckReport, InstanceConfig, InstanceReport, ProcessReport, TaskProgress, TaskReport, Usage,
};
use aerie_cloud::{ContainerSpec, ContainerStatus, simulated::SimulatedCloud};
use aerie_domain::{ActionRunId, DirectorId, InstanceId, LifeId};
use aerie_manager::queue::{Outcome, Queue};
use aerie_store::{Listener, Signal, Store, StoreError};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::{
    sync::{Semaphore, broadcast, mpsc},
    time::Instant,
};
use tokio_util::task::TaskTracker;

/// How often an agent repeats its report, as real ones do.
const REPEAT: Duration = Duration::from_secs(10);
/// How often its configuration is looked for without a signal, as for real ones.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Agents that speak with the database at the same time. More: they take its connections from everybody else.
const AT_ONCE: usize = 4;
/// What an instance pretends to use: thousandths of a core, and bytes.
const USAGE: (u32, u64) = (5, 32 * 1024 * 1024);

/// All agents. Cheap to clone.
#[derive(Clone)]
pub struct SimulatedAgents {
    store: Store,
    cloud: SimulatedCloud,
    director: DirectorId,
    signs_of_life: SignsOfLife,
    loads: LoadRecorder,
    queue: Arc<Queue<InstanceId>>,
    agents: Arc<Mutex<HashMap<InstanceId, Agent>>>,
}

/// One of them.
#[derive(Debug, Clone)]
struct Agent {
    container: String,
    made: Option<OffsetDateTime>,
    connected: bool,
    applied: i64,
    /// When its configuration is looked for again.
    look_at: Instant,
    life: LifeId,
}

impl SimulatedAgents {
    /// Agents for containers that start from now on.
    pub fn new(
        store: Store,
        cloud: SimulatedCloud,
        director: DirectorId,
        signs_of_life: SignsOfLife,
        loads: LoadRecorder,
    ) -> Self {
        let (queue, agents) = (Arc::default(), Arc::default());
        Self { store, cloud, director, signs_of_life, loads, queue, agents }
    }

    /// Meets every container that starts after this call. The future runs until dropped; then the agents are gone like
    /// those of a machine without power.
    pub fn run(self, listener: &Listener) -> impl Future<Output = ()> + Send + use<> {
        let (starts, signals) = (self.cloud.starts(), listener.subscribe());
        async move {
            tokio::join!(self.meet(starts), self.hear(signals), self.work());
        }
    }

    async fn meet(&self, mut starts: mpsc::UnboundedReceiver<ContainerSpec>) {
        while let Some(spec) = starts.recv().await {
            let made = self.cloud.container(&spec.name).and_then(|container| container.created_at);
            let (look_at, life) = (Instant::now(), LifeId::generate());
            let agent = Agent { container: spec.name, made, connected: false, applied: 0, look_at, life };
            self.agents().insert(spec.instance, agent);
            self.queue.wake(spec.instance);
        }
    }

    async fn hear(&self, mut signals: broadcast::Receiver<Signal>) {
        loop {
            match signals.recv().await {
                Ok(Signal::Config(instance)) => self.look_now(instance),
                Ok(Signal::Events | Signal::Service(_)) => {}
                Ok(Signal::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    let all: Vec<InstanceId> = self.agents().keys().copied().collect();
                    for instance in all {
                        self.look_now(instance);
                    }
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn look_now(&self, instance: InstanceId) {
        let Some(()) = self.agents().get_mut(&instance).map(|agent| agent.look_at = Instant::now()) else { return };
        self.queue.wake(instance);
    }

    async fn work(&self) {
        let (permits, tasks) = (Arc::new(Semaphore::new(AT_ONCE)), TaskTracker::new());
        loop {
            // Never closed.
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            let instance = self.queue.next().await;
            let this = self.clone();
            tasks.spawn(async move {
                let outcome = this.look(instance).await.unwrap_or_else(|error| {
                    tracing::debug!(instance.id = %instance, error = chain(&error), "a simulated agent was not heard");
                    Outcome::Failed
                });
                this.queue.done(instance, outcome);
                drop(permit);
            });
        }
    }

    /// What one agent does when something may have changed, and every [`REPEAT`].
    async fn look(&self, instance: InstanceId) -> Result<Outcome, StoreError> {
        let Some(mut agent) = self.agents().get(&instance).cloned() else { return Ok(Outcome::Forget) };
        if !self.lives(&agent) {
            self.forget(instance, &agent);
            self.loads.forget(instance);
            self.store.instance_disconnected(instance, self.director).await?;
            return Ok(Outcome::Forget);
        }
        if !agent.connected {
            agent.connected = self.store.instance_connected(instance, self.director).await?;
        }
        let (looked, now) = (agent.look_at, Instant::now());
        let config = if looked <= now { self.store.instance_config(instance).await? } else { None };
        match config {
            Some(config) if config.generation > agent.applied => {
                self.store.instance_report(instance, self.director, &success(&config, agent.life)).await?;
                agent.applied = config.generation;
            }
            _ => self.signs_of_life.note(instance),
        }
        self.loads.note(instance, usage());
        if let Some(known) = self.agents().get_mut(&instance).filter(|known| known.made == agent.made) {
            // Unless a signal has come meanwhile.
            let is_due = known.look_at != looked;
            agent.look_at = if is_due || looked > now { known.look_at } else { now + LOOK_EVERY };
            *known = agent;
        }
        Ok(Outcome::Again(REPEAT))
    }

    /// Unless another container of the instance has started meanwhile.
    fn forget(&self, instance: InstanceId, agent: &Agent) {
        let mut agents = self.agents();
        if agents.get(&instance).is_some_and(|known| known.made == agent.made) {
            agents.remove(&instance);
        }
    }

    fn lives(&self, agent: &Agent) -> bool {
        self.cloud
            .container(&agent.container)
            .is_some_and(|found| found.status == ContainerStatus::Running && found.created_at == agent.made)
    }

    fn agents(&self) -> MutexGuard<'_, HashMap<InstanceId, Agent>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an instance pretends to have used since it was last asked.
fn usage() -> Usage {
    let period_ms = u32::try_from(REPEAT.as_millis()).unwrap_or(u32::MAX);
    Usage { cpu_millis: USAGE.0, memory_bytes: USAGE.1, period_ms, ..Usage::default() }
}

/// A task that did what it should in no time.
fn done(id: ActionRunId) -> TaskReport {
    let message = "ended with exit code 0".to_owned();
    TaskReport { id, progress: TaskProgress::Ended { code: Some(0), message } }
}

/// The report of an instance on which everything went well.
fn success(config: &InstanceConfig, life: LifeId) -> InstanceReport {
    let staged: Vec<_> = config.code.versions.iter().map(|version| version.id).collect();
    let process = |process: &aerie_agent_protocol::ProcessSpec| ProcessReport {
        role: process.role.clone(),
        name: process.name.clone(),
        healthy: true,
        restarts: 0,
        message: String::new(),
        note: String::new(),
        last_end: None,
    };
    InstanceReport {
        applied_generation: config.generation,
        target_generation: config.generation,
        processes: config.processes.iter().map(process).collect(),
        checks: staged.iter().map(|id| CheckReport { version: *id, ok: true, output: String::new() }).collect(),
        staged,
        problem: String::new(),
        life: Some(life),
        tasks: config.tasks.iter().filter(|task| task.life == life).map(|task| done(task.id)).collect(),
        drained: config.drain.iter().map(|hook| hook.role.clone()).collect(),
    }
}
