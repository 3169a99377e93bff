//! How much of what a process writes is passed on. A program that floods its log would fill the engine's files, push out
//! the lines of its neighbours in the instance, and keep the machine busy.
//!
//! Two buckets per stream, one of lines and one of bytes. When either is empty, lines are dropped and counted until there
//! is room for a tenth of a second again; then a line says how many are missing.

use std::time::Duration;
use tokio::time::Instant;

/// Lines per second in the long run. Larger: one program costs the machine more; smaller: busy access logs lose lines
/// (500 requests per second and instance write 500).
const LINES_PER_SECOND: f64 = 10_000.0;
/// Bytes per second in the long run. The engine keeps a few megabytes per container anyway.
const BYTES_PER_SECOND: f64 = 4.0 * 1024.0 * 1024.0;
/// What may come at once after a quiet time, in seconds of the above. Larger: longer floods pass; smaller: the long
/// output of a start script is cut.
const BURST_SECONDS: f64 = 20.0;
/// How full, in seconds, a bucket must be again before lines pass after a drop. Smaller: more "dropped" lines than others.
const RESUME_SECONDS: f64 = 0.1;

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It passes; so many were dropped just before it.
    Pass(u64),
    /// It is dropped.
    Drop,
}

/// The buckets of one stream.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Seconds' worth of lines and of bytes that may still pass.
    lines: f64,
    bytes: f64,
    filled_at: Instant,
    dropped: u64,
}

impl Rate {
    pub(crate) fn new() -> Self {
        Self { lines: BURST_SECONDS, bytes: BURST_SECONDS, filled_at: Instant::now(), dropped: 0 }
    }

    /// Decides about a line of so many bytes.
    pub(crate) fn offer(&mut self, bytes: usize) -> Verdict {
        self.fill();
        let least = self.lines.min(self.bytes);
        let passes = if self.dropped > 0 { least >= RESUME_SECONDS } else { least > 0.0 };
        if !passes {
            self.dropped = self.dropped.saturating_add(1);
            return Verdict::Drop;
        }
        self.lines -= 1.0 / LINES_PER_SECOND;
        // A line has at most some kilobytes: the number is exact.
        self.bytes -= f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / BYTES_PER_SECOND;
        Verdict::Pass(std::mem::take(&mut self.dropped))
    }

    /// How many lines were dropped and not told of yet; from now on they count as told.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Whether lines were dropped and not told of yet.
    pub(crate) fn is_dropping(&self) -> bool {
        self.dropped > 0
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let passed = now.saturating_duration_since(self.filled_at).min(Duration::from_secs(3600)).as_secs_f64();
        self.filled_at = now;
        self.lines = (self.lines + passed).min(BURST_SECONDS);
        self.bytes = (self.bytes + passed).min(BURST_SECONDS);
    }
}

/// The line that stands for dropped ones.
pub(crate) fn dropped_line(count: u64) -> String {
    let lines = if count == 1 { "line" } else { "lines" };
    format!("[{count} {lines} dropped: this program writes faster than {LINES_PER_SECOND} lines or 4 MiB per second]")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn wait(milliseconds: u64) {
        tokio::time::advance(Duration::from_millis(milliseconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn ordinary_output_passes_for_ever() {
        let mut rate = Rate::new();
        for _ in 0..20_000 {
            assert_eq!(rate.offer(200), Verdict::Pass(0));
            wait(1).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_lines_is_cut_and_counted() {
        let mut rate = Rate::new();
        let mut passed = 0_u64;
        while rate.offer(10) != Verdict::Drop {
            passed += 1;
        }
        assert!((199_000..=201_000).contains(&passed), "a burst passes: {passed}");
        for _ in 0..999 {
            assert_eq!(rate.offer(10), Verdict::Drop);
        }
        wait(50).await;
        assert_eq!(rate.offer(10), Verdict::Drop, "not before there is room for more than one");
        wait(100).await;
        assert_eq!(rate.offer(10), Verdict::Pass(1_001), "one ended the burst");
        assert_eq!(rate.offer(10), Verdict::Pass(0), "told once");
    }

    #[tokio::test(start_paused = true)]
    async fn long_lines_count_by_their_bytes() {
        let mut rate = Rate::new();
        let passed = (0..100_000).take_while(|_| rate.offer(8 * 1024) != Verdict::Drop).count();
        assert!((10_200..=10_300).contains(&passed), "80 MiB: {passed}");
        assert!(rate.is_dropping());
        assert_eq!((rate.take_dropped(), rate.take_dropped()), (1, 0));
    }

    #[test]
    fn the_line_says_what_happened() {
        assert!(dropped_line(1).starts_with("[1 line dropped: "));
        assert!(
            dropped_line(1_234).contains("1234 lines dropped: this program writes faster than 10000 lines or 4 MiB")
        );
    }
}
