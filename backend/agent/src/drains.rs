//! Drain scripts: run beside the processes while the configuration names them, again until each has succeeded.
//!
//! A newer configuration that names the same script lets it go on: handing over data may take longer than the time
//! between two configurations.

use crate::{
    backoff::Backoff,
    host::Host,
    job::{self, Job},
};
use aerie_agent_protocol::{HookSpec, InstanceConfig};
use aerie_domain::RoleName;
use std::{collections::BTreeMap, time::Duration};
use tokio_util::task::AbortOnDropHandle;

/// Characters of a failed script's output that are reported.
const KEPT_OUTPUT: usize = 1500;

/// First and longest delay before a script that failed runs again. Larger: the instance stays for longer than it has to;
/// smaller: one that cannot succeed takes more of the processor.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// The scripts that run or have succeeded.
#[derive(Default)]
pub(crate) struct Drains {
    /// Dropping the task kills its script.
    tasks: Vec<(HookSpec, AbortOnDropHandle<()>)>,
}

impl Drains {
    /// Runs those that the configuration names, and no others.
    pub(crate) fn follow(&mut self, host: &Host, target: &InstanceConfig) {
        self.tasks.retain(|(hook, _)| target.drain.contains(hook));
        let named = |role: &RoleName| target.drain.iter().any(|hook| hook.role == *role);
        host.board.update(|state| {
            state.drained.retain(named);
            if target.drain.is_empty() {
                state.undrained.clear();
            }
        });
        for hook in &target.drain {
            if self.tasks.iter().all(|(known, _)| known != hook) {
                host.output.info(format!("draining {}", hook.role));
                let environment = host.environment(Some(&hook.role), &target.environment, &BTreeMap::new());
                let task = tokio::spawn(drain(host.clone(), hook.clone(), environment));
                self.tasks.push((hook.clone(), AbortOnDropHandle::new(task)));
            }
        }
    }
}

async fn drain(host: Host, hook: HookSpec, environment: BTreeMap<String, String>) {
    let mut backoff = Backoff::new(RETRY.0, RETRY.1);
    loop {
        let job = Job {
            command: &hook.command,
            environment: &environment,
            timeout: Duration::from_secs(hook.timeout_s.max(1).into()),
            log: Some((hook.role.as_str(), &hook.name)),
            keep: KEPT_OUTPUT,
        };
        let done = job::run(&host, job).await;
        if done.ok {
            host.output.info(format!("{} is drained", hook.role));
            host.board.update(|state| {
                state.undrained.clear();
                state.drained.insert(hook.role.clone());
            });
            return;
        }
        let problem = format!("the script {} of {} {}", hook.name, hook.role, done.message());
        host.board.update(|state| state.undrained.clone_from(&problem));
        tokio::time::sleep(backoff.delay()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{host, sh, until};
    use aerie_agent_protocol::CodePlan;
    use std::fs;

    fn target(host: &Host, scripts: &[&str]) -> InstanceConfig {
        let role = "web".parse::<RoleName>().unwrap();
        let hook =
            |script: &&str| HookSpec { name: "drain".into(), role: role.clone(), command: sh(script), timeout_s: 5 };
        InstanceConfig {
            generation: 1,
            instance: host.instance,
            files: Vec::new(),
            code: CodePlan::default(),
            processes: Vec::new(),
            init: Vec::new(),
            environment: BTreeMap::new(),
            tasks: Vec::new(),
            drain: scripts.iter().map(hook).collect(),
        }
    }

    #[tokio::test]
    async fn a_script_runs_until_it_succeeds_and_goes_on_under_newer_configurations() {
        let folder = tempfile::tempdir().unwrap();
        let (host, _log) = host();
        let path = |name: &str| folder.path().join(name);
        let script = format!(
            "echo begun >>{}; test -e {} || {{ echo not yet; exit 1; }}",
            path("log").display(),
            path("done").display()
        );
        let wanted = target(&host, &[&script]);
        let mut drains = Drains::default();
        drains.follow(&host, &wanted);
        let board = host.board.clone();
        until(|| board.now().report().problem.contains("not yet"), || format!("{:?}", board.now())).await;
        assert!(board.now().drained.is_empty());
        fs::write(path("done"), "").unwrap();
        until(|| board.now().drained.len() == 1, || format!("{:?}", board.now())).await;
        assert_eq!(board.now().report().problem, "");
        let runs = fs::read_to_string(path("log")).unwrap();
        drains.follow(&host, &InstanceConfig { generation: 2, ..wanted });
        assert_eq!(board.now().report().drained.len(), 1, "it has succeeded already");
        assert_eq!(fs::read_to_string(path("log")).unwrap(), runs);
        drains.follow(&host, &target(&host, &[]));
        assert!(board.now().drained.is_empty(), "nobody asks any more");
    }

    #[tokio::test]
    async fn what_is_not_wanted_any_more_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (host, _log) = host();
        let file = folder.path().join("alive");
        let script = format!("while :; do touch {}; sleep 0.02; done", file.display());
        let mut drains = Drains::default();
        drains.follow(&host, &target(&host, &[&script]));
        until(|| file.exists(), String::new).await;
        drains.follow(&host, &target(&host, &[]));
        until(
            || {
                let _ = fs::remove_file(&file);
                std::thread::sleep(Duration::from_millis(60));
                !file.exists()
            },
            String::new,
        )
        .await;
    }
}
