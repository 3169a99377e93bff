//! This process, under the names that every Prometheus knows.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
};
use std::{fmt, fs};

/// Clock ticks per second in `/proc`: 100 on every Linux that runs here (`sysconf(_SC_CLK_TCK)`, proc(5)).
const TICKS: f64 = 100.0;
/// Bytes per page of memory on x86-64.
const PAGE: f64 = 4096.0;

#[derive(Debug, Default)]
pub(super) struct Process {
    cpu_s: f64,
    memory_bytes: f64,
    files: u64,
}

impl Process {
    /// Reads `/proc/self`; what cannot be read is 0.
    pub(super) fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let (cpu_s, memory_bytes) = parse(&stat).unwrap_or_default();
        Self { cpu_s, memory_bytes, files: fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64) }
    }
}

/// Processor seconds and resident bytes of a line of `/proc/<pid>/stat`: fields 14, 15 and 24 (proc(5)), counted after the
/// name, which may hold anything.
fn parse(stat: &str) -> Option<(f64, f64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<f64>().ok();
    // The first field after the name is number 3.
    Some(((number(11)? + number(12)?) / TICKS, number(21)? * PAGE))
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor("process_cpu_seconds", "Processor time of the director", None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, f64, u64>(&self.cpu_s, None)?;
        encoder
            .encode_descriptor("process_resident_memory_bytes", "Memory of the director", None, MetricType::Gauge)?
            .encode_gauge(&self.memory_bytes)?;
        encoder
            .encode_descriptor("process_open_fds", "Open files of the director", None, MetricType::Gauge)?
            .encode_gauge(&self.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_trouble() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4 100 0 0 0 250 50 0 0 20 0 9 0 100 5000 25 1 1 1";
        assert_eq!(parse(stat), Some((3.0, 25.0 * 4096.0)));
        let own = Process::read();
        assert!(own.memory_bytes > 1e6 && own.files > 2, "{own:?}");
    }
}
