//! How long to wait before the next try.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Doubling delays between two bounds.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Starts with `first` and doubles up to `longest`.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The delay before the next try; the one after it is twice as long.
    pub(crate) fn delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(self.longest);
        delay
    }

    /// Something worked: the next delay is the first one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Between half of `delay` and all of it, by chance: agents that lost their director together come back one by one.
pub(crate) fn jittered(delay: Duration) -> Duration {
    // Every RandomState is keyed anew, which is all the chance needed here.
    let chance = RandomState::new().build_hasher().finish() % 1000;
    delay / 2 + (delay / 2).mul_f64(f64::from(u32::try_from(chance).unwrap_or(0)) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        let delays: Vec<_> = (0..4).map(|_| backoff.delay().as_millis()).collect();
        assert_eq!(delays, [100, 200, 350, 350]);
        backoff.reset();
        assert_eq!(backoff.delay().as_millis(), 100);
    }

    #[test]
    fn jitter_stays_within_half_and_whole() {
        let delay = Duration::from_millis(100);
        let seen: Vec<_> = (0..50).map(|_| jittered(delay)).collect();
        assert!(seen.iter().all(|d| *d >= delay / 2 && *d <= delay), "{seen:?}");
        assert!(seen.iter().any(|d| *d != seen[0]), "no chance in it");
    }
}
