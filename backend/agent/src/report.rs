//! The board: everything the agent knows about its instance, written by the reconciler and the process actors, read by
//! the connection. The report for the director is derived from it.

use aerie_agent_protocol::{
    CheckReport, InstanceConfig, InstanceReport, ProcessReport, ProcessSpec, TaskProgress, TaskReport,
};
use aerie_domain::{ActionRunId, CodeVersionId, LifeId, RoleName};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// The state on the board.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Generation that is fully applied.
    pub(crate) applied: i64,
    /// Generation that is being applied.
    pub(crate) target: i64,
    /// Processes of the target, in its order.
    pub(crate) processes: Vec<Entry>,
    /// Versions that are unpacked, with the result of their check.
    pub(crate) staged: BTreeMap<CodeVersionId, Option<CheckReport>>,
    /// What stops the reconciler, other than a process.
    pub(crate) problem: String,
    /// Which life of the agent this is.
    pub(crate) life: Option<LifeId>,
    /// Tasks of the target that were started.
    pub(crate) tasks: BTreeMap<ActionRunId, TaskProgress>,
    /// Roles whose drain script has succeeded.
    pub(crate) drained: BTreeSet<RoleName>,
    /// Why one has not yet.
    pub(crate) undrained: String,
}

/// One process on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What the director sees of it.
    pub(crate) report: ProcessReport,
    /// Generation for which a start or reload was tried (or found needless).
    pub(crate) attempted: i64,
    /// Generation with which it was seen healthy.
    pub(crate) settled: i64,
}

impl Entry {
    /// Of a process of which nothing is known yet.
    fn unknown(spec: &ProcessSpec) -> Self {
        let (role, name) = (spec.role.clone(), spec.name.clone());
        let (message, note) = (String::new(), String::new());
        let report = ProcessReport { role, name, healthy: false, restarts: 0, message, note, last_end: None };
        Self { report, attempted: 0, settled: 0 }
    }
}

impl State {
    /// A new target: its processes replace those listed, keeping what is known of those that stay.
    fn begin(&mut self, target: &InstanceConfig) {
        // When the same target is tried again, its problem stays until it is known to be solved.
        if self.target != target.generation {
            self.problem.clear();
        }
        self.target = target.generation;
        let mut before = std::mem::take(&mut self.processes);
        self.processes = target
            .processes
            .iter()
            .map(|spec| {
                let known = before.iter().position(|entry| entry.report.name == spec.name);
                let mut entry = known.map_or_else(|| Entry::unknown(spec), |at| before.swap_remove(at));
                entry.report.role = spec.role.clone();
                entry
            })
            .collect();
    }

    /// A start or reload of this process was tried for `generation`.
    pub(crate) fn attempted(&self, name: &str, generation: i64) -> bool {
        self.processes.iter().any(|entry| entry.report.name == name && entry.attempted >= generation)
    }

    /// Every process was seen healthy with `generation`.
    pub(crate) fn settled(&self, generation: i64) -> bool {
        self.processes.iter().all(|entry| entry.settled >= generation)
    }

    /// What the director is told.
    pub(crate) fn report(&self) -> InstanceReport {
        InstanceReport {
            applied_generation: self.applied,
            target_generation: self.target,
            processes: self.processes.iter().map(|entry| entry.report.clone()).collect(),
            staged: self.staged.keys().copied().collect(),
            checks: self.staged.values().flatten().cloned().collect(),
            problem: self.obstacle(),
            life: self.life,
            tasks: self.tasks.iter().map(|(id, progress)| TaskReport { id: *id, progress: progress.clone() }).collect(),
            drained: self.drained.iter().cloned().collect(),
        }
    }

    /// What keeps the target from being applied: what stops the reconciler, else the first process with something to
    /// say.
    fn obstacle(&self) -> String {
        if self.applied == self.target {
            return self.undrained.clone();
        }
        if !self.problem.is_empty() {
            return self.problem.clone();
        }
        let stuck = |entry: &&Entry| entry.settled < self.target && !entry.report.message.is_empty();
        let obstacle = self.processes.iter().find(stuck);
        obstacle.map(|entry| format!("{} {}", entry.report.name, entry.report.message)).unwrap_or_default()
    }
}

/// Shares the state. Clones share it; readers learn of every change, though not of every step between.
#[derive(Clone)]
pub(crate) struct Board {
    state: watch::Sender<State>,
}

impl Default for Board {
    fn default() -> Self {
        Self { state: watch::Sender::new(State { life: Some(LifeId::generate()), ..State::default() }) }
    }
}

impl Board {
    /// Follows the state.
    pub(crate) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The state now.
    pub(crate) fn now(&self) -> State {
        self.state.borrow().clone()
    }

    /// Changes the state; readers are woken only if it differs afterwards.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
    }

    /// Takes up a new target.
    pub(crate) fn begin(&self, target: &InstanceConfig) {
        self.update(|state| state.begin(target));
    }

    /// Changes what is known of a process; a process that is not in the target is nobody's concern any more.
    pub(crate) fn process(&self, name: &str, change: impl FnOnce(&mut Entry)) {
        self.update(|state| {
            if let Some(entry) = state.processes.iter_mut().find(|entry| entry.report.name == name) {
                change(entry);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_agent_protocol::{CodePlan, HealthProbe, MetricsSpec, ProbeKind, ReloadMethod, StreamNames};
    use aerie_domain::InstanceId;

    fn target(generation: i64, names: &[&str]) -> InstanceConfig {
        let process = |name: &&str| ProcessSpec {
            role: "web".parse().unwrap(),
            name: (*name).to_owned(),
            command: vec!["x".into()],
            environment: BTreeMap::new(),
            files: Vec::new(),
            check: Vec::new(),
            reload: ReloadMethod::None,
            stop_signal: "TERM".into(),
            stop_timeout_s: 1,
            health: HealthProbe { kind: ProbeKind::Alive, interval_ms: 1000, timeout_ms: 1000, failures: 1 },
            streams: StreamNames::default(),
            metrics: MetricsSpec::default(),
        };
        InstanceConfig {
            generation,
            instance: InstanceId::generate(),
            files: Vec::new(),
            code: CodePlan::default(),
            processes: names.iter().map(process).collect(),
            init: Vec::new(),
            environment: BTreeMap::new(),
            tasks: Vec::new(),
            drain: Vec::new(),
        }
    }

    #[test]
    fn processes_that_stay_keep_what_is_known_of_them() {
        let board = Board::default();
        board.begin(&target(1, &["a", "b"]));
        board.process("b", |entry| entry.report.restarts = 7);
        board.begin(&target(2, &["b", "c"]));
        let names: Vec<_> = board.now().report().processes.into_iter().map(|p| (p.name, p.restarts)).collect();
        assert_eq!(names, [("b".to_owned(), 7), ("c".to_owned(), 0)]);
    }

    #[test]
    fn the_obstacle_is_named_only_while_there_is_one() {
        let board = Board::default();
        board.begin(&target(1, &["a", "b"]));
        board.process("a", |entry| entry.settled = 1);
        board.process("b", |entry| entry.report.message = "ended with exit code 1".to_owned());
        assert_eq!(board.now().report().problem, "b ended with exit code 1");
        board.update(|state| state.problem = "no code".to_owned());
        assert_eq!(board.now().report().problem, "no code");
        board.update(|state| state.applied = 1);
        assert_eq!(board.now().report().problem, "");
    }

    #[test]
    fn only_differences_wake_readers() {
        let board = Board::default();
        let mut reader = board.subscribe();
        reader.mark_unchanged();
        board.update(|state| state.applied = 0);
        assert!(!reader.has_changed().unwrap());
        board.update(|state| state.applied = 1);
        assert!(reader.has_changed().unwrap());
    }

    #[test]
    fn settled_means_all_of_them() {
        let board = Board::default();
        board.begin(&target(3, &["a", "b"]));
        board.process("a", |entry| entry.settled = 3);
        assert!(!board.now().settled(3));
        board.process("b", |entry| (entry.settled, entry.attempted) = (3, 3));
        assert!(board.now().settled(3) && board.now().attempted("b", 3) && !board.now().attempted("a", 3));
    }
}
