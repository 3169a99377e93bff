//! Runs the program `git`. The only place of this crate that starts a process: typed arguments, an environment and
//! settings of our own, limits to what it may use, never a shell.
//!
//! Paths among the arguments are names in the folder of all repositories, made of ids: what people name is no path.

use std::{io, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, copy, sink},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// All of its environment: nothing of the director's, and no configuration of the machine or of a user.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("HOME", "/nonexistent"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    // Its messages are passed on, and shall be in the language of ours.
    ("LC_ALL", "C"),
];

/// Settings of every run.
const SETTINGS: [&str; 8] = [
    "core.hooksPath=/dev/null",
    // Larger files are never in memory as a whole. Larger: more memory; smaller: larger repositories.
    "core.bigFileThreshold=16m",
    "core.logAllRefUpdates=false",
    "gc.auto=0",
    "pack.threads=1",
    "pack.windowMemory=64m",
    "receive.advertiseAtomic=false",
    // The folders are ours, whoever owns them on a file system that maps users.
    "safe.directory=*",
];

/// Sets limits and becomes the program that follows: this way none of it runs without them. Part of every Debian.
const LIMITER: &str = "prlimit";
/// What it and each program that it starts may use. A few bytes of a pack can say that they unpack to gigabytes, and
/// trees can name each other a million times. Larger: those take more; smaller: large repositories, slow machines fail.
const LIMITS: [&str; 2] = ["--as=1610612736", "--cpu=120"];
/// What the limiter ends with when there is no such program.
const NO_PROGRAM: i32 = 127;
/// How long it may take altogether, the waiting for a slow client included. Longer: one that drips holds a place.
const LIMIT: Duration = Duration::from_mins(15);
/// How much of what it says is kept, bytes. Smaller: branches are missing from long lists.
const MAX_OUTPUT: u64 = 8 * 1024 * 1024;
const MAX_COMPLAINTS: u64 = 16 * 1024;
/// Longest reason, in characters.
const MAX_REASON: usize = 200;

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// It or its files do not work on this machine.
    #[error("git does not work")]
    Broken(#[from] io::Error),
    /// It would not, in its own words.
    #[error("{0}")]
    Refused(String),
}

/// Prepares a run in the folder of all repositories. It ends with whoever waits for it.
pub(super) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(LIMITER);
    command.args(LIMITS).arg("git");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs it to its end; gives what it wrote.
pub(super) async fn run(command: Command) -> Result<Vec<u8>, GitError> {
    start(command)?.end().await
}

/// Starts it.
pub(super) fn start(mut command: Command) -> Result<Running, GitError> {
    Ok(Running { child: command.spawn()? })
}

/// A run that goes on; killed when dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Its standard input, once, if that is a pipe.
    pub(crate) fn input(&mut self) -> Result<ChildStdin, GitError> {
        self.child.stdin.take().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe).into())
    }

    /// Its standard output, once.
    pub(crate) fn output(&mut self) -> Result<ChildStdout, GitError> {
        self.child.stdout.take().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe).into())
    }

    /// Waits for its end; gives what it wrote, if nobody else took that.
    pub(crate) async fn end(mut self) -> Result<Vec<u8>, GitError> {
        let (output, complaints) = (self.child.stdout.take(), self.child.stderr.take());
        let all = async {
            tokio::join!(beginning(output, MAX_OUTPUT), beginning(complaints, MAX_COMPLAINTS), self.child.wait())
        };
        let Ok((output, complaints, status)) = timeout(LIMIT, all).await else {
            return Err(GitError::Refused("this takes too long".to_owned()));
        };
        let (status, reason) = (status?, reason(&complaints));
        match status.code() {
            Some(0) => Ok(output),
            Some(NO_PROGRAM) => Err(io::Error::new(io::ErrorKind::NotFound, reason).into()),
            _ => Err(GitError::Refused(reason)),
        }
    }
}

/// Reads to the end, so that the program does not have to wait, and keeps the beginning.
async fn beginning(from: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut from) = from
        && (&mut from).take(most).read_to_end(&mut kept).await.is_ok()
    {
        // What cannot be read any more is missed by nobody.
        let _rest = copy(&mut from, &mut sink()).await;
    }
    kept
}

/// The first thing that it complained about, on one line.
fn reason(complaints: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaints);
    let first = text.lines().find_map(|line| line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")));
    match first.or_else(|| text.lines().next()) {
        Some(line) => line.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect(),
        // It was killed.
        None => "this takes too much time or memory".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_complaint_is_the_reason() {
        assert_eq!(reason(b"warning: x\nerror: object 1: hasDotgit\nfatal: no\n"), "object 1: hasDotgit");
        assert_eq!(reason(b"something \x1b[31melse\n"), "something [31melse");
        assert_eq!(reason(b""), "this takes too much time or memory");
    }

    #[tokio::test]
    async fn it_inherits_nothing_and_is_limited() {
        let folder = tempfile::tempdir().unwrap();
        let tell = command(folder.path(), &["-c", "alias.tell=!env; ulimit -v; ulimit -t", "tell"]);
        let answer = String::from_utf8(run(tell).await.unwrap()).unwrap();
        assert!(!answer.contains("CARGO") && answer.contains("HOME=/nonexistent"), "{answer}");
        assert!(answer.ends_with("\n1572864\n120\n"), "{answer}");
    }
}
