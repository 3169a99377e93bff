//! Medians, percentiles, and one line of the table.

use std::time::Duration;

/// One line of the table, or two where a goal has two parts.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its row, and the part where there are several: what the table is sorted by.
    pub key: String,
    /// What was measured.
    pub what: String,
    /// With Aerie.
    pub ours: String,
    /// Without, or under the smaller load.
    pub theirs: String,
    /// The ratio, or the figure that the goal is about.
    pub result: String,
    /// The goal.
    pub goal: String,
    /// It is reached.
    pub met: bool,
}

impl Line {
    /// For the terminal.
    pub fn text(&self) -> String {
        let Self { what, ours, theirs, result, goal, .. } = self;
        format!("  {what}: {ours} against {theirs}: {result} (goal {goal}){}", if self.met { "" } else { " MISSED" })
    }
}

/// The middle one; of an even number the lower of the two.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The smallest value that so many percent of all do not exceed; 0 of none.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    let place = ((sorted.len() as f64 * percent / 100.0).ceil() as usize).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert!((median(&values) - 3.0).abs() < 1e-9);
        assert!((percentile(&values, 99.0) - 5.0).abs() < 1e-9);
        assert!((percentile(&values, 1.0) - 1.0).abs() < 1e-9);
        assert!(percentile(&[], 50.0).abs() < 1e-9);
    }
}
