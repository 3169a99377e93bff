//! Runs a program to its end: checks, scripts, probes.

use crate::{
    host::{Host, program},
    output::lines::Sink,
    signals,
    tail::Tail,
};
use std::{collections::BTreeMap, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};
use tokio::task::JoinSet;

/// How long to wait for the last lines after a program has ended: they are in the pipe already. Larger: an output held
/// open by a runaway grandchild delays; smaller: a busy machine loses lines.
pub(crate) const DRAIN: Duration = Duration::from_millis(500);

/// What to run.
pub(crate) struct Job<'a> {
    /// Program and arguments.
    pub(crate) command: &'a [String],
    /// Its environment.
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// Killed, with its group, after this time.
    pub(crate) timeout: Duration,
    /// Role and stream under which its lines are logged; unless none, they only go into the answer.
    pub(crate) log: Option<(&'a str, &'a str)>,
    /// Characters of output to keep for the answer.
    pub(crate) keep: usize,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// It ended with 0.
    pub(crate) ok: bool,
    /// How it ended, in words that follow "the script …".
    pub(crate) how: String,
    /// The end of its output.
    pub(crate) output: String,
}

impl Done {
    /// How it ended and what it wrote, for a message.
    pub(crate) fn message(&self) -> String {
        if self.output.is_empty() { self.how.clone() } else { format!("{}:\n{}", self.how, self.output) }
    }
}

/// Runs it. Dropping the future kills the program and its group; what it leaves running in its group is killed too.
pub(crate) async fn run(host: &Host, job: Job<'_>) -> Done {
    let failed = |how: String| Done { ok: false, how, output: String::new() };
    let Some(mut command) = program(job.command, job.environment) else {
        return failed("names no program".to_owned());
    };
    let mut child = match host.children.spawn(&mut command) {
        Ok(child) => child,
        Err(error) => return failed(format!("cannot be started ({}): {error}", job.command[0])),
    };
    let tail = Tail::new(2_000, job.keep);
    let sink = || Sink {
        log: job.log.map(|(role, stream)| (host.output.clone(), role.to_owned(), stream.to_owned())),
        tails: vec![tail.clone()],
        requests: None,
    };
    let mut readers = JoinSet::new();
    let (out, err) = child.outputs();
    if let Some(out) = out {
        readers.spawn(sink().pump(out));
    }
    if let Some(err) = err {
        readers.spawn(sink().pump(err));
    }
    let ended = tokio::time::timeout(job.timeout, child.wait()).await;
    child.kill_group();
    if ended.is_err() {
        // Killed: collecting it is a matter of moments, and a process that cannot die must not hold us up.
        let _ = tokio::time::timeout(DRAIN, child.wait()).await;
    }
    let _ = tokio::time::timeout(DRAIN, async { while readers.join_next().await.is_some() {} }).await;
    let (ok, how) = match ended {
        Ok(Ok(status)) => (status.success(), ended_with(status)),
        Ok(Err(error)) => (false, format!("was lost: {error}")),
        Err(_) => (false, format!("took longer than {} s and was ended", job.timeout.as_secs_f32())),
    };
    Done { ok, how, output: tail.text() }
}

/// How a program ended, in words that follow its name.
pub(crate) fn ended_with(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by {}", signals::name_of(signal)),
        (None, None) => "ended".to_owned(),
    }
}

/// What such an end usually means, for somebody who sees it for the first time; empty when it says nothing by itself.
pub(crate) fn likely_cause(status: ExitStatus) -> &'static str {
    match (status.code(), status.signal()) {
        (Some(0), _) => " (no error, but it should have gone on: does it run in the foreground?)",
        (Some(126), _) => " (a program may not be executed: is it missing its executable bit?)",
        (Some(127), _) => " (a program was not found: is its name spelled right?)",
        (Some(137), _) | (_, Some(9)) => " (killed from outside)",
        (Some(139), _) | (_, Some(11)) => " (a crash: it used memory that is not its own)",
        (Some(134), _) | (_, Some(6)) => " (it gave up by itself)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{host, sh};
    use std::time::Instant;

    async fn run_script(script: &str, timeout: Duration, keep: usize) -> Done {
        let (command, environment) = (sh(script), BTreeMap::new());
        run(&host().0, Job { command: &command, environment: &environment, timeout, log: None, keep }).await
    }

    #[tokio::test]
    async fn output_and_exit_code_are_told() {
        let done = run_script("echo one; echo two >&2; exit 4", Duration::from_secs(10), 4000).await;
        assert!(!done.ok);
        assert_eq!(done.how, "ended with exit code 4");
        let mut lines: Vec<_> = done.output.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["one", "two"]);
    }

    #[tokio::test]
    async fn the_environment_is_not_inherited() {
        let done = run_script("echo \"[$CARGO_MANIFEST_DIR$HOME]\"", Duration::from_secs(10), 4000).await;
        assert_eq!(done.output, "[]");
    }

    #[tokio::test]
    async fn too_long_is_ended_with_everything_it_started() {
        let start = Instant::now();
        let done = run_script("sleep 30 & sleep 30", Duration::from_millis(200), 100).await;
        assert!(!done.ok && done.how.contains("took longer"), "{done:?}");
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    #[tokio::test]
    async fn what_it_leaves_behind_does_not_hold_us_up() {
        let start = Instant::now();
        let done = run_script("sleep 30 & echo done", Duration::from_secs(20), 100).await;
        assert!(done.ok);
        assert_eq!(done.output, "done");
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    #[tokio::test]
    async fn a_missing_program_is_a_failure_with_its_name() {
        let command = ["/does/not/exist".to_owned()];
        let environment = BTreeMap::new();
        let job = Job { command: &command, environment: &environment, timeout: DRAIN, log: None, keep: 10 };
        let done = run(&host().0, job).await;
        assert!(!done.ok && done.how.contains("/does/not/exist"), "{done:?}");
    }
}
