//! What a process uses, from /proc.

use anyhow::{Context, Result};
use std::{fs, time::Duration};

/// Ticks per second of the times in /proc (`getconf CLK_TCK`; 100 on every Linux that Debian ships).
const TICKS: f64 = 100.0;

/// What a process has used or holds.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// Memory in use, MiB.
    pub resident_mib: f64,
    /// Processor time since it began, seconds.
    pub cpu_seconds: f64,
    /// Open files.
    pub files: usize,
}

impl Footprint {
    /// Of a process.
    pub fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        let kib: f64 = kib.trim().trim_end_matches(" kB").parse()?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // After the name, which may have anything in it: state is the first field, utime and stime the 12th and 13th.
        let (_, fields) = stat.rsplit_once(')').context("stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|ticks| ticks.parse::<f64>().ok()).context("stat");
        Ok(Self {
            resident_mib: kib / 1024.0,
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS,
            files: fs::read_dir(format!("/proc/{process}/fd"))?.count(),
        })
    }

    /// Percent of one core between an earlier look and this one.
    pub fn percent_since(&self, earlier: &Self, time: Duration) -> f64 {
        (self.cpu_seconds - earlier.cpu_seconds) / time.as_secs_f64() * 100.0
    }
}
