//! What the instance uses, from the files of its own cgroup (version 1 or 2). Reading them takes microseconds, so they
//! are read in place.

use aerie_agent_protocol::Usage;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where containers see their cgroup.
pub(crate) const CGROUP: &str = "/sys/fs/cgroup";

/// Measures from one call to the next.
pub(crate) struct Meter {
    root: PathBuf,
    before: Option<(Instant, Duration)>,
}

impl Meter {
    /// A meter over the cgroup at `root`. The first measurement needs something to compare with, taken here.
    pub(crate) fn new(root: &Path, now: Instant) -> Self {
        Self { before: processor_time(root).map(|time| (now, time)), root: root.to_owned() }
    }

    /// What was used since the last call; nothing when the cgroup's files cannot be read.
    pub(crate) fn measure(&mut self, now: Instant) -> Option<Usage> {
        let memory_bytes = memory(&self.root)?;
        let time = processor_time(&self.root)?;
        let (then, time_then) = self.before.replace((now, time))?;
        let elapsed = now.saturating_duration_since(then).as_micros().max(1);
        let millis = time.saturating_sub(time_then).as_micros() * 1000 / elapsed;
        Some(Usage { cpu_millis: u32::try_from(millis).unwrap_or(u32::MAX), memory_bytes })
    }
}

/// How often the kernel ended a process of this cgroup for want of memory.
pub(crate) fn out_of_memory_kills(root: &Path) -> u64 {
    field(&root.join("memory/memory.oom_control"), "oom_kill")
        .or_else(|| field(&root.join("memory.events"), "oom_kill"))
        .unwrap_or(0)
}

/// Memory in use without what the kernel gives back when asked (page cache not used lately).
fn memory(root: &Path) -> Option<u64> {
    let (used, idle_cache) = match number(&root.join("memory/memory.usage_in_bytes")) {
        Some(used) => (used, field(&root.join("memory/memory.stat"), "total_inactive_file")),
        None => (number(&root.join("memory.current"))?, field(&root.join("memory.stat"), "inactive_file")),
    };
    Some(used.saturating_sub(idle_cache.unwrap_or(0)))
}

fn processor_time(root: &Path) -> Option<Duration> {
    number(&root.join("cpuacct/cpuacct.usage"))
        .or_else(|| number(&root.join("cpu,cpuacct/cpuacct.usage")))
        .map(Duration::from_nanos)
        .or_else(|| field(&root.join("cpu.stat"), "usage_usec").map(Duration::from_micros))
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The value in a file of `name value` lines.
fn field(file: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn version_1() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "cpuacct/cpuacct.usage", "1000000000\n");
        write(root.path(), "memory/memory.usage_in_bytes", "5000\n");
        write(root.path(), "memory/memory.stat", "inactive_file 7\ntotal_inactive_file 2000\n");
        write(root.path(), "memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
        let start = Instant::now();
        let mut meter = Meter::new(root.path(), start);
        write(root.path(), "cpuacct/cpuacct.usage", "2000000000\n");
        let usage = meter.measure(start + Duration::from_secs(2)).unwrap();
        assert_eq!(usage, Usage { cpu_millis: 500, memory_bytes: 3000 });
        assert_eq!(meter.measure(start + Duration::from_secs(4)).unwrap().cpu_millis, 0, "measured from call to call");
        assert_eq!(out_of_memory_kills(root.path()), 3);
    }

    #[test]
    fn version_2() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "cpu.stat", "usage_usec 1000\nuser_usec 1\n");
        write(root.path(), "memory.current", "9000\n");
        write(root.path(), "memory.stat", "active_file 5\ninactive_file 1000\n");
        write(root.path(), "memory.events", "oom 1\noom_kill 1\n");
        let start = Instant::now();
        let mut meter = Meter::new(root.path(), start);
        write(root.path(), "cpu.stat", "usage_usec 3001000\n");
        let usage = meter.measure(start + Duration::from_secs(1)).unwrap();
        assert_eq!(usage, Usage { cpu_millis: 3000, memory_bytes: 8000 });
        assert_eq!(out_of_memory_kills(root.path()), 1);
    }

    #[test]
    fn no_cgroup_means_no_usage() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Meter::new(root.path(), Instant::now()).measure(Instant::now()), None);
    }
}
