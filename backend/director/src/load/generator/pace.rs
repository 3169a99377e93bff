//! When requests are due. Pure.

use std::time::Duration;
use tokio::time::Instant;

/// Evenly spaced times, fixed before the first request: slow answers do not move them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    start: Instant,
    rate: u32,
    number: u64,
    total: u64,
}

impl Pace {
    /// `rate` requests per second for `seconds`.
    pub(super) fn new(start: Instant, rate: u32, seconds: u32) -> Self {
        Self { start, rate: rate.max(1), number: 0, total: u64::from(rate) * u64::from(seconds) }
    }

    /// When the next request is due; nothing when there is no more.
    pub(super) fn due(&self) -> Option<Instant> {
        let nanos = self.number * 1_000_000_000 / u64::from(self.rate);
        (self.number < self.total).then(|| self.start + Duration::from_nanos(nanos))
    }

    /// It was sent, or left out.
    pub(super) fn sent(&mut self) {
        self.number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_evenly_spaced_and_as_many_as_asked_for() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 500, 60);
        let mut last = start;
        let mut count = 0;
        while let Some(due) = pace.due() {
            assert!(due - last <= Duration::from_millis(2));
            last = due;
            count += 1;
            pace.sent();
        }
        assert_eq!(count, 30_000);
        assert_eq!(last - start, Duration::from_millis(59_998));
    }
}
