//! How long to wait after something failed: 1 s, 2 s, 4 s … at most 5 minutes.

use std::time::Duration;

/// Longer: a repaired cause is noticed late. Shorter: a broken service costs work all the time.
const LONGEST: Duration = Duration::from_secs(300);

/// The wait after the n-th failure in a row (n from 1), without jitter.
pub fn delay(failures: u32) -> Duration {
    if failures == 0 {
        return Duration::ZERO;
    }
    Duration::from_secs(1_u64 << (failures - 1).min(20)).min(LONGEST)
}

/// A wait within ± 10 %, so that many keys do not move in step.
pub fn jitter(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(0.9..1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end_at_five_minutes() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 9, 10, 4_000_000].iter().map(|n| delay(*n).as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        for _ in 0..100 {
            let wait = jitter(Duration::from_secs(30)).as_secs_f64();
            assert!((27.0..=33.0).contains(&wait), "{wait}");
        }
    }
}
