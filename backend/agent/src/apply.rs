//! Brings about the newest configuration, step by step: code → files → init scripts → preparation of the code → processes →
//! clearing up → drain scripts, which go on beside.
//!
//! Guarantees: configurations are applied in order of their generation; a newer one takes over between steps, and at
//! once while the older one only waits. Every step may be repeated. What fails is tried again, with the reason on the
//! board.

mod target;

use crate::{
    backoff::Backoff,
    code::{Code, fetch::CodeSource},
    drains::Drains,
    files::{self, Files},
    hooks::Hooks,
    host::Host,
    supervise::{Supervisor, Wanted},
};
use aerie_agent_protocol::{CheckReport, CodePlan, CodeVersionSpec, InstanceConfig, ProcessSpec};
use aerie_domain::CodeVersionId;
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
pub(crate) use target::{Offer, Targets};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// First and longest delay before a failed configuration is tried again. Larger: an instance whose director or disk
/// comes back starts later; smaller: a script that cannot succeed runs more often.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Why an attempt ended early.
enum Halt {
    /// There is a newer configuration.
    Superseded,
    /// Something failed; words for the report.
    Problem(String),
}

/// The one that applies.
pub(crate) struct Reconciler {
    host: Host,
    targets: watch::Receiver<Option<Arc<InstanceConfig>>>,
    code: Code,
    files: Files,
    hooks: Hooks,
    /// What the check said of versions that are not prepared yet.
    checked: HashMap<CodeVersionId, Option<CheckReport>>,
    /// In start order.
    supervisors: Vec<Supervisor>,
    drains: Drains,
}

impl Reconciler {
    /// Applies what `targets` gets, below these folders.
    pub(crate) fn new(
        host: Host,
        targets: &Targets,
        run_folder: PathBuf,
        code_folder: PathBuf,
        source: Arc<dyn CodeSource>,
    ) -> Self {
        Self {
            host,
            targets: targets.subscribe(),
            code: Code::new(code_folder, source),
            files: Files::new(run_folder),
            hooks: Hooks::default(),
            checked: HashMap::new(),
            supervisors: Vec::new(),
            drains: Drains::default(),
        }
    }

    /// Applies configurations until told to stop; then stops all processes, the last one started first.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // Dropping the first branch is safe: scripts and checks that run are killed, processes belong to supervisors,
        // and half-written files and versions are never taken for whole ones.
        tokio::select! {
            () = self.converge() => {}
            () = stop.cancelled() => {}
        }
        self.drains = Drains::default();
        while let Some(mut last) = self.supervisors.pop() {
            last.stop().await;
        }
    }

    async fn converge(&mut self) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        let mut applied = 0;
        let mut last_problem = None;
        loop {
            let target = newer(&mut self.targets, applied).await;
            match self.apply(&target).await {
                Ok(()) => {
                    applied = target.generation;
                    self.host.output.info(format!("configuration {applied} is applied"));
                    backoff.reset();
                    last_problem = None;
                }
                Err(Halt::Superseded) => backoff.reset(),
                Err(Halt::Problem(problem)) => {
                    if last_problem.as_ref() != Some(&problem) {
                        self.host.output.error(format!("configuration {}: {problem}", target.generation));
                    }
                    self.host.board.update(|state| state.problem.clone_from(&problem));
                    last_problem = Some(problem);
                    // Both branches only wait.
                    tokio::select! {
                        _ = newer(&mut self.targets, target.generation) => backoff.reset(),
                        () = tokio::time::sleep(backoff.delay()) => {}
                    }
                }
            }
        }
    }

    async fn apply(&mut self, target: &InstanceConfig) -> Result<(), Halt> {
        self.host.board.begin(target);
        validate(target).map_err(Halt::Problem)?;
        for version in &target.code.versions {
            self.stage(target, version).await?;
        }
        self.unless_superseded(target)?;
        self.files.write(&target.files).map_err(|error| Halt::Problem(error.to_string()))?;
        self.hooks.run(&self.host, &target.init, &target.environment).await.map_err(Halt::Problem)?;
        for version in &target.code.versions {
            self.prepare(target, version).await?;
        }
        self.unless_superseded(target)?;
        self.host.board.update(|state| state.problem.clear());
        self.stop_removed(target).await;
        for spec in &target.processes {
            self.want(target, spec).await?;
        }
        self.settle(target).await?;
        self.files.remove_others(&target.files);
        self.forget_versions(&target.code);
        // Before it counts as applied: what an earlier configuration drained means nothing for this one.
        self.drains.follow(&self.host, target);
        self.host.board.update(|state| state.applied = target.generation);
        Ok(())
    }

    /// Makes sure that a version is unpacked and checked.
    async fn stage(&mut self, target: &InstanceConfig, version: &CodeVersionSpec) -> Result<(), Halt> {
        let problem = |error: crate::code::CodeError| Halt::Problem(error.to_string());
        let unwanted = unwanted(version);
        if !self.code.has(version.id) {
            // Both branches are cancel-safe: what a dropped transfer leaves is overwritten by the next.
            tokio::select! {
                fetched = self.code.fetch(version) => fetched.map_err(problem)?,
                Ok(_) = self.targets.wait_for(&unwanted) => return Err(Halt::Superseded),
            }
            self.code.unpack(version).await.map_err(problem)?;
            self.host.output.info(format!("code version {} is staged", version.id));
        }
        if !self.host.board.now().staged.contains_key(&version.id) && !self.checked.contains_key(&version.id) {
            // Both branches are cancel-safe: a dropped check is killed and made again.
            let report = tokio::select! {
                report = self.code.check(&self.host, &target.code, version.id, &target.environment) => report,
                Ok(_) = self.targets.wait_for(&unwanted) => return Err(Halt::Superseded),
            };
            self.checked.insert(version.id, report);
        }
        if target.code.prepare.is_none() {
            self.note_staged(version.id);
        }
        Ok(())
    }

    /// Makes sure that a version has been prepared, if its kind prepares versions: only then it counts as staged.
    async fn prepare(&mut self, target: &InstanceConfig, version: &CodeVersionSpec) -> Result<(), Halt> {
        let Some(script) = target.code.prepare.as_ref().filter(|_| self.checked.contains_key(&version.id)) else {
            return Ok(());
        };
        // Both branches are cancel-safe: a dropped script is killed and run again.
        tokio::select! {
            prepared = self.code.prepare(&self.host, script, version.id, &target.environment) => {
                prepared.map_err(Halt::Problem)?;
            }
            Ok(_) = self.targets.wait_for(unwanted(version)) => return Err(Halt::Superseded),
        }
        self.note_staged(version.id);
        Ok(())
    }

    fn note_staged(&mut self, id: CodeVersionId) {
        if let Some(report) = self.checked.remove(&id) {
            self.host.board.update(|state| {
                state.staged.insert(id, report);
            });
        }
    }

    /// Stops processes that are not in the target, the last one started first.
    async fn stop_removed(&mut self, target: &InstanceConfig) {
        let removed =
            |supervisor: &Supervisor| target.processes.iter().all(|process| process.name != supervisor.name());
        while let Some(at) = self.supervisors.iter().rposition(removed) {
            self.supervisors[at].stop().await;
            self.supervisors.remove(at);
        }
    }

    /// Tells a process what is wanted and waits until it was tried, so that the next one starts after it.
    async fn want(&mut self, target: &InstanceConfig, spec: &ProcessSpec) -> Result<(), Halt> {
        let generation = target.generation;
        let wanted = Wanted {
            generation,
            spec: spec.clone(),
            environment: self.host.environment(Some(&spec.role), &target.environment, &spec.environment),
            files: files::digest(&target.files, &spec.files),
        };
        match self.supervisors.iter().find(|supervisor| supervisor.name() == spec.name) {
            Some(supervisor) => supervisor.want(wanted),
            None => self.supervisors.push(Supervisor::new(self.host.clone(), wanted)),
        }
        let place = |supervisor: &Supervisor| target.processes.iter().position(|p| p.name == supervisor.name());
        self.supervisors.sort_by_key(place);
        let mut board = self.host.board.subscribe();
        // Both branches only look.
        tokio::select! {
            Ok(_) = board.wait_for(|state| state.attempted(&spec.name, generation)) => Ok(()),
            _ = newer(&mut self.targets, generation) => Err(Halt::Superseded),
        }
    }

    /// Waits until every process was healthy with the target.
    async fn settle(&mut self, target: &InstanceConfig) -> Result<(), Halt> {
        let mut board = self.host.board.subscribe();
        // Both branches only look.
        tokio::select! {
            Ok(_) = board.wait_for(|state| state.settled(target.generation)) => Ok(()),
            _ = newer(&mut self.targets, target.generation) => Err(Halt::Superseded),
        }
    }

    fn forget_versions(&mut self, plan: &CodePlan) {
        for id in self.code.remove_others(plan) {
            self.host.output.info(format!("code version {id} is removed"));
            self.checked.remove(&id);
            self.host.board.update(|state| {
                state.staged.remove(&id);
            });
        }
    }

    fn unless_superseded(&self, target: &InstanceConfig) -> Result<(), Halt> {
        let newest = self.targets.borrow().as_ref().map_or(0, |newest| newest.generation);
        if newest > target.generation { Err(Halt::Superseded) } else { Ok(()) }
    }
}

/// Tells a configuration that no longer wants the version. One that still does lets its transfer go on: otherwise changes
/// that come fast would never let a large one end.
fn unwanted(version: &CodeVersionSpec) -> impl Fn(&Option<Arc<InstanceConfig>>) -> bool + use<> {
    let id = version.id;
    move |newest| newest.as_ref().is_some_and(|newest| newest.code.versions.iter().all(|other| other.id != id))
}

/// Waits for a configuration newer than `generation`. Cancel-safe.
async fn newer(targets: &mut watch::Receiver<Option<Arc<InstanceConfig>>>, generation: i64) -> Arc<InstanceConfig> {
    let is_newer = |target: &Option<Arc<InstanceConfig>>| target.as_ref().is_some_and(|t| t.generation > generation);
    match targets.wait_for(is_newer).await.map(|target| target.clone()) {
        Ok(Some(target)) => target,
        // Nobody can send one any more: the agent is ending.
        _ => std::future::pending().await,
    }
}

/// What no configuration may have.
fn validate(target: &InstanceConfig) -> Result<(), String> {
    let mut names = HashSet::new();
    for process in &target.processes {
        if !names.insert(&process.name) {
            return Err(format!("the configuration has two processes called {}", process.name));
        }
        if process.command.is_empty() {
            return Err(format!("the configuration names no program for {}", process.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
