//! Starts children and makes sure that none is left over, neither as a process nor as a zombie.
//!
//! As process 1 the agent inherits every orphan of the instance, and nobody else can collect them. The runtime waits
//! for the children it started itself; taking their exit status away from it would make it lose them, so the reaper
//! waits only for process ids that are not among them.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use std::{
    collections::HashSet,
    fs, io,
    process::ExitStatus,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    signal::unix::{SignalKind, signal},
};

/// Least time between two looks at the process table. Larger: zombies stay longer; smaller: a script that leaves many
/// orphans costs more processor time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The children that the runtime waits for. Clones share the set.
#[derive(Clone, Default)]
pub(crate) struct Children {
    known: Arc<Mutex<HashSet<i32>>>,
}

/// A child in a process group of its own. Dropped, it and its group are killed.
pub(crate) struct Tracked {
    child: Child,
    pid: Pid,
    ended: bool,
    children: Children,
}

impl Children {
    fn known(&self) -> MutexGuard<'_, HashSet<i32>> {
        // Inserting and removing numbers leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a program at the head of a new process group.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Tracked> {
        // Locked until the child is known: the reaper must not take one that ends at once.
        let mut known = self.known();
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or(io::ErrorKind::NotFound)?;
        known.insert(pid.as_raw_nonzero().get());
        drop(known);
        Ok(Tracked { child, pid, ended: false, children: self.clone() })
    }

    /// Collects the orphans that have ended.
    fn reap_orphans(&self) {
        let known = self.known();
        for pid in zombies().into_iter().filter(|pid| !known.contains(&pid.as_raw_nonzero().get())) {
            // Already gone is as good.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }

    /// Collects orphans for ever.
    pub(crate) async fn reap(self) -> io::Result<()> {
        let mut ended = signal(SignalKind::child())?;
        while ended.recv().await.is_some() {
            self.reap_orphans();
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }
}

/// Ended children of this process that nobody has waited for.
fn zombies() -> Vec<Pid> {
    let own = i64::from(std::process::id());
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            (state_and_parent(&stat)? == ('Z', own)).then_some(pid)
        })
        .collect()
}

/// State and parent in `/proc/<pid>/stat`, where the second field, the program's name in brackets, may hold anything.
fn state_and_parent(stat: &str) -> Option<(char, i64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

impl Tracked {
    /// Its process id.
    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Its input, if it was given a pipe for that; can be taken once.
    pub(crate) fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its outputs; each can be taken once.
    pub(crate) fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits for its end. Cancel-safe; answers the same when asked again.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.ended = true;
        status
    }

    /// Sends the child, not its group, a signal.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        // Once waited for, the id may belong to another process.
        if self.ended { Err(io::ErrorKind::NotFound.into()) } else { Ok(kill_process(self.pid, signal)?) }
    }

    /// Sends its whole group a signal, as long as the child lives.
    pub(crate) fn signal_group(&self, signal: Signal) -> io::Result<()> {
        if self.ended { Err(io::ErrorKind::NotFound.into()) } else { Ok(kill_process_group(self.pid, signal)?) }
    }

    /// Kills whatever is left of its group. While members live, no other group can have this id.
    pub(crate) fn kill_group(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if !self.ended {
            self.kill_group();
        }
        // From here on the reaper may collect it; if it comes before the runtime, the runtime merely finds it gone.
        self.children.known().remove(&self.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn program_names_do_not_confuse() {
        assert_eq!(state_and_parent("17 (a) Z 9 (b) Z 1 17 17 0"), Some(('Z', 1)));
        assert_eq!(state_and_parent("17 (sh) S 42 17"), Some(('S', 42)));
        assert_eq!(state_and_parent("nonsense"), None);
    }

    #[tokio::test]
    async fn own_children_are_left_to_the_runtime() {
        let children = Children::default();
        let mut child = children.spawn(Command::new("/bin/sh").args(["-c", "exit 3"])).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        children.reap_orphans();
        assert_eq!(child.wait().await.unwrap().code(), Some(3));
    }

    #[tokio::test]
    async fn a_dropped_child_takes_its_group_along() {
        let children = Children::default();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 60 & echo $! >{}.new; mv {0}.new {0}; wait", file.display());
        let child = children.spawn(Command::new("/bin/sh").args(["-c", &script])).unwrap();
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(child);
        let grandchild = fs::read_to_string(&file).unwrap();
        for _ in 0..200 {
            let stat = fs::read_to_string(Path::new("/proc").join(grandchild.trim()).join("stat")).unwrap_or_default();
            if state_and_parent(&stat).is_none_or(|(state, _)| state == 'Z') {
                assert!(children.known().is_empty());
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the grandchild lives on");
    }
}
