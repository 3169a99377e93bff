//! How long requests took, as counts per bucket that can be added up over time and over instances.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Buckets per doubling of the time. More: finer percentiles, and more numbers to keep; with 4 a percentile is off by
/// at most 9 % (half a bucket, 2^(1/8)).
const PER_DOUBLING: f64 = 4.0;
/// How many buckets there are: the last one begins at 2^29.75 µs, a quarter of an hour.
const BUCKETS: u8 = 120;

/// A histogram of times with buckets that grow by a fifth each. Only buckets that count something are kept.
///
/// Guarantees: adding up loses nothing; at most [`Times::BUCKETS`] entries, whatever it is read from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u8, u64)>", into = "Vec<(u8, u64)>")]
pub struct Times {
    counts: BTreeMap<u8, u64>,
}

impl Times {
    /// How many buckets there are.
    pub const BUCKETS: u8 = BUCKETS;

    /// Counts one request that took so many microseconds.
    pub fn record(&mut self, micros: u64) {
        self.add(bucket(micros), 1);
    }

    /// Adds to a bucket; one that does not exist is the last one.
    pub fn add(&mut self, bucket: u8, count: u64) {
        if count > 0 {
            let counted = self.counts.entry(bucket.min(BUCKETS - 1)).or_default();
            *counted = counted.saturating_add(count);
        }
    }

    /// Adds everything that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            self.add(*bucket, *count);
        }
    }

    /// How many requests it has counted.
    pub fn total(&self) -> u64 {
        self.counts.values().fold(0, |total, count| total.saturating_add(*count))
    }

    /// Nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Buckets and their counts, from fast to slow.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, u64)> {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// The time, in milliseconds, within which this share of the requests (0 to 1) was answered: the middle of its
    /// bucket. Nothing when nothing was counted.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are far below 2^52, and the rank is between 1 and their sum"
    )]
    pub fn percentile_ms(&self, share: f64) -> Option<f64> {
        let total = self.total();
        let rank = ((total as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut passed = 0_u64;
        self.counts.iter().find_map(|(bucket, count)| {
            passed = passed.saturating_add(*count);
            (passed >= rank).then(|| middle_micros(*bucket) / 1000.0)
        })
    }

    /// Where a bucket ends, in seconds.
    pub fn upper_bound_s(bucket: u8) -> f64 {
        ((f64::from(bucket) + 1.0) / PER_DOUBLING).exp2() / 1_000_000.0
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of a whole number is between 0 and 64"
)]
fn bucket(micros: u64) -> u8 {
    let index = ((micros.max(1) as f64).log2() * PER_DOUBLING).floor();
    (index as u8).min(BUCKETS - 1)
}

fn middle_micros(bucket: u8) -> f64 {
    ((f64::from(bucket) + 0.5) / PER_DOUBLING).exp2()
}

impl From<Vec<(u8, u64)>> for Times {
    fn from(pairs: Vec<(u8, u64)>) -> Self {
        let mut times = Self::default();
        for (bucket, count) in pairs {
            times.add(bucket, count);
        }
        times
    }
}

impl From<Times> for Vec<(u8, u64)> {
    fn from(times: Times) -> Self {
        times.counts.into_iter().collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(micros: &[u64]) -> Times {
        let mut times = Times::default();
        for micros in micros {
            times.record(*micros);
        }
        times
    }

    proptest! {
        #[test]
        fn percentiles_are_near_the_exact_ones(
            mut micros in proptest::collection::vec(10_u64..60_000_000, 1..400),
            share in 0.0_f64..1.0,
        ) {
            let times = of(&micros);
            micros.sort_unstable();
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let rank = ((micros.len() as f64 * share).ceil() as usize).clamp(1, micros.len());
            #[expect(clippy::cast_precision_loss, reason = "below a minute in microseconds")]
            let exact = micros[rank - 1] as f64 / 1000.0;
            let near = times.percentile_ms(share).unwrap();
            prop_assert!((near / exact - 1.0).abs() < 0.1, "{near} for {exact}");
        }

        #[test]
        fn it_does_not_matter_where_requests_were_counted(
            one in proptest::collection::vec(0_u64..u64::MAX, 0..50),
            two in proptest::collection::vec(0_u64..u64::MAX, 0..50),
        ) {
            let mut merged = of(&one);
            merged.merge(&of(&two));
            let all: Vec<u64> = one.into_iter().chain(two).collect();
            prop_assert_eq!(&merged, &of(&all));
            let text = serde_json::to_string(&merged).unwrap();
            prop_assert_eq!(serde_json::from_str::<Times>(&text).unwrap(), merged);
        }
    }

    #[test]
    fn nothing_counted_has_no_percentile() {
        assert_eq!(Times::default().percentile_ms(0.5), None);
        assert_eq!(of(&[0]).total(), 1);
    }

    #[test]
    fn a_sender_cannot_make_it_grow() {
        let pairs: Vec<(u8, u64)> = (0..=255).flat_map(|bucket| [(bucket, u64::MAX), (bucket, 1)]).collect();
        let times = Times::from(pairs);
        assert_eq!(times.buckets().count(), usize::from(Times::BUCKETS));
        assert_eq!(times.total(), u64::MAX);
    }
}
