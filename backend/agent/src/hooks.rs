//! Init scripts: each once in the life of an instance, that is, of this agent; repeated until it succeeds.

use crate::{
    host::Host,
    job::{self, Job},
};
use aerie_agent_protocol::HookSpec;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

/// Characters of a failed script's output that become part of the problem.
const KEPT_OUTPUT: usize = 1500;

/// Knows which scripts have succeeded.
#[derive(Default)]
pub(crate) struct Hooks {
    /// By what makes a script the same: role, name and command.
    done: HashSet<(String, String, Vec<String>)>,
}

impl Hooks {
    /// Runs those of `hooks` that have not succeeded yet, in order; stops at the first that fails and says why.
    /// Dropping the future kills the script that runs.
    pub(crate) async fn run(
        &mut self,
        host: &Host,
        hooks: &[HookSpec],
        environment: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        for hook in hooks {
            let key = (hook.role.to_string(), hook.name.clone(), hook.command.clone());
            if self.done.contains(&key) {
                continue;
            }
            host.output.info(format!("running the script {} of {}", hook.name, hook.role));
            let environment = host.environment(Some(&hook.role), environment, &BTreeMap::new());
            let done = job::run(
                host,
                Job {
                    command: &hook.command,
                    environment: &environment,
                    timeout: Duration::from_secs(hook.timeout_s.max(1).into()),
                    log: Some((hook.role.as_str(), &hook.name)),
                    keep: KEPT_OUTPUT,
                },
            )
            .await;
            if !done.ok {
                return Err(format!("the script {} of {} {}", hook.name, hook.role, done.message()));
            }
            self.done.insert(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{host, sh, until};
    use std::fs;

    fn hook(name: &str, script: &str) -> HookSpec {
        HookSpec { name: name.to_owned(), role: "web".parse().unwrap(), command: sh(script), timeout_s: 1 }
    }

    #[tokio::test]
    async fn each_script_succeeds_once_and_logs_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (host, log) = host();
        let file = folder.path().join("count").display().to_string();
        let configured = BTreeMap::from([("FILE".to_owned(), file.clone())]);
        let mut hooks = Hooks::default();
        let count = hook("init", "echo $AERIE_ROLE | tee -a $FILE");
        hooks.run(&host, std::slice::from_ref(&count), &configured).await.unwrap();
        hooks.run(&host, &[count.clone(), count, hook("second", "echo more >> $FILE")], &configured).await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "web\nmore\n");
        until(|| log.text().contains("web|init|web\n"), || log.text()).await;
    }

    #[tokio::test]
    async fn a_failure_stops_the_row_and_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let (host, _log) = host();
        let file = folder.path().join("ready").display().to_string();
        let script = format!("echo waiting; test -e {file}");
        let all = [hook("init", &script), hook("next", &format!("echo next > {file}.next"))];
        let mut hooks = Hooks::default();
        let problem = hooks.run(&host, &all, &BTreeMap::new()).await.unwrap_err();
        assert_eq!(problem, "the script init of web ended with exit code 1:\nwaiting");
        assert!(!fs::exists(format!("{file}.next")).unwrap());
        fs::write(&file, "").unwrap();
        hooks.run(&host, &all, &BTreeMap::new()).await.unwrap();
        assert!(fs::exists(format!("{file}.next")).unwrap());
    }

    #[tokio::test]
    async fn a_script_that_takes_too_long_is_ended() {
        let (host, _log) = host();
        let problem = Hooks::default().run(&host, &[hook("slow", "sleep 30")], &BTreeMap::new()).await.unwrap_err();
        assert!(problem.contains("took longer than 1 s"), "{problem}");
    }
}
