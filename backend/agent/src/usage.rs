//! What the instance uses, from the files of its own cgroup (version 1 or 2). Reading them takes microseconds, so they
//! are read in place.

use aerie_agent_protocol::{NetworkUsage, Usage};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where containers see their cgroup.
pub(crate) const CGROUP: &str = "/sys/fs/cgroup";

/// Where a network namespace tells what went through its interfaces.
pub(crate) const NET_DEV: &str = "/proc/net/dev";

/// Measures from one call to the next.
pub(crate) struct Meter {
    cgroup: PathBuf,
    /// Absent on the host's network, where the counters are not the instance's own.
    network: Option<PathBuf>,
    before: Option<(Instant, Duration)>,
    network_before: Option<NetworkUsage>,
}

impl Meter {
    /// A meter over a cgroup's folder and, if the instance has a network of its own, the file that counts what goes
    /// through it. The first measurement needs something to compare with, taken here.
    pub(crate) fn new(cgroup: &Path, network: Option<&Path>, now: Instant) -> Self {
        Self {
            before: processor_time(cgroup).map(|time| (now, time)),
            network_before: network.and_then(traffic),
            cgroup: cgroup.to_owned(),
            network: network.map(Path::to_owned),
        }
    }

    /// What was used since the last call; nothing when the cgroup's files cannot be read. What roles did is added by
    /// the caller.
    pub(crate) fn measure(&mut self, now: Instant) -> Option<Usage> {
        let memory_bytes = memory(&self.cgroup)?;
        let time = processor_time(&self.cgroup)?;
        let (then, time_then) = self.before.replace((now, time))?;
        let elapsed = now.saturating_duration_since(then);
        let millis = time.saturating_sub(time_then).as_micros() * 1000 / elapsed.as_micros().max(1);
        Some(Usage {
            cpu_millis: u32::try_from(millis).unwrap_or(u32::MAX),
            memory_bytes,
            memory_limit_bytes: memory_limit(&self.cgroup),
            period_ms: u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX),
            network: self.network(),
            roles: Vec::new(),
            figures: Vec::new(),
        })
    }

    fn network(&mut self) -> Option<NetworkUsage> {
        let now = traffic(self.network.as_deref()?)?;
        let before = self.network_before.replace(now)?;
        Some(NetworkUsage {
            received_bytes: now.received_bytes.saturating_sub(before.received_bytes),
            sent_bytes: now.sent_bytes.saturating_sub(before.sent_bytes),
        })
    }
}

/// Bytes through all interfaces but the loopback since they exist. Per line: name, colon, eight counters of what came in
/// (bytes first), eight of what went out (Linux' `proc_pid_net(5)`).
fn traffic(file: &Path) -> Option<NetworkUsage> {
    let mut total = NetworkUsage::default();
    for line in fs::read_to_string(file).ok()?.lines() {
        let Some((name, counters)) = line.split_once(':').filter(|(name, _)| name.trim() != "lo") else { continue };
        let counters: Vec<u64> = counters.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
        if let (false, [received, _, _, _, _, _, _, _, sent, ..]) = (name.contains('|'), &counters[..]) {
            total.received_bytes += received;
            total.sent_bytes += sent;
        }
    }
    Some(total)
}

/// 0 when there is none: version 1 then names a number near 2^63, version 2 the word `max`.
fn memory_limit(root: &Path) -> u64 {
    number(&root.join("memory/memory.limit_in_bytes"))
        .or_else(|| number(&root.join("memory.max")))
        .filter(|limit| *limit < 1 << 60)
        .unwrap_or(0)
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
        write(root.path(), "memory/memory.limit_in_bytes", "9223372036854771712\n");
        write(root.path(), "memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
        let start = Instant::now();
        let mut meter = Meter::new(root.path(), None, start);
        write(root.path(), "cpuacct/cpuacct.usage", "2000000000\n");
        let usage = meter.measure(start + Duration::from_secs(2)).unwrap();
        assert_eq!((usage.cpu_millis, usage.memory_bytes, usage.period_ms), (500, 3000, 2000));
        assert_eq!((usage.memory_limit_bytes, usage.network), (0, None), "no limit, and no network of its own");
        assert_eq!(meter.measure(start + Duration::from_secs(4)).unwrap().cpu_millis, 0, "measured from call to call");
        assert_eq!(out_of_memory_kills(root.path()), 3);
    }

    #[test]
    fn version_2() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "cpu.stat", "usage_usec 1000\nuser_usec 1\n");
        write(root.path(), "memory.current", "9000\n");
        write(root.path(), "memory.max", "64000\n");
        write(root.path(), "memory.stat", "active_file 5\ninactive_file 1000\n");
        write(root.path(), "memory.events", "oom 1\noom_kill 1\n");
        let start = Instant::now();
        let mut meter = Meter::new(root.path(), None, start);
        write(root.path(), "cpu.stat", "usage_usec 3001000\n");
        let usage = meter.measure(start + Duration::from_secs(1)).unwrap();
        assert_eq!((usage.cpu_millis, usage.memory_bytes, usage.memory_limit_bytes), (3000, 8000, 64_000));
        assert_eq!(out_of_memory_kills(root.path()), 1);
    }

    #[test]
    fn traffic_is_what_came_and_went_since_the_last_time() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("dev");
        let table = |received: u64, sent: u64| {
            let head = "Inter-|   Receive                |  Transmit\n face |bytes    packets |bytes    packets\n";
            let line = |name: &str, n: u64, m: u64| format!("{name}: {n} 5 0 0 0 0 0 0 {m} 5 0 0 0 0 0 0\n");
            format!("{head}{}{}{}", line("    lo", 9999, 9999), line("  eth0", received, sent), line("eth1", 1, 1))
        };
        write(root.path(), "cpu.stat", "usage_usec 1000\n");
        write(root.path(), "memory.current", "9000\n");
        write(root.path(), "dev", &table(100, 1000));
        let start = Instant::now();
        let mut meter = Meter::new(root.path(), Some(&file), start);
        write(root.path(), "dev", &table(150, 1700));
        let usage = meter.measure(start + Duration::from_secs(2)).unwrap();
        assert_eq!(usage.network, Some(NetworkUsage { received_bytes: 50, sent_bytes: 700 }));
    }

    #[test]
    fn no_cgroup_means_no_usage() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Meter::new(root.path(), None, Instant::now()).measure(Instant::now()), None);
    }
}
