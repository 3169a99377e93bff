//! Which points an answer has.

use aerie_domain::{FieldError, Problem, views::LoadQuery};
use aerie_store::FINEST_STEP_S;
use time::{Duration, OffsetDateTime};

/// The time shown unless told.
const USUAL: Duration = Duration::minutes(5);
/// Longest time: no more is kept.
const LONGEST: Duration = Duration::days(15);
/// Most points in a list. More: larger answers, which no graph can show.
const MOST_POINTS: i64 = 1500;
/// Seconds per point unless told, by the length of the time in seconds.
const STEPS: [(i64, u32); 3] = [(900, FINEST_STEP_S), (7200, 60), (26 * 3600, 900)];
/// For longer times than those.
const COARSEST: u32 = 7200;

/// A row of points, aligned so that equal points of two answers are about the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Where the first point begins.
    pub(super) from: OffsetDateTime,
    /// Where the last one ends.
    pub(super) to: OffsetDateTime,
    /// Seconds per point.
    pub(super) step_s: u32,
}

impl Span {
    /// What the query asks for.
    pub(super) fn of(query: &LoadQuery, now: OffsetDateTime) -> Result<Self, Problem> {
        let to = query.to.unwrap_or(now).min(now);
        let from = query.from.unwrap_or(to - USUAL);
        let length = to - from;
        let mut errors = Vec::new();
        if !length.is_positive() || length > LONGEST {
            let message = "must be before to, and at most 15 days before".to_owned();
            errors.push(FieldError { field: "from".to_owned(), message });
            return Err(Problem::fields(errors));
        }
        let step_s = query.step_s.unwrap_or_else(|| usual_step(length));
        if step_s == 0 || !step_s.is_multiple_of(FINEST_STEP_S) || step_s > 86_400 {
            let message = "must be a multiple of 5 seconds, at most a day".to_owned();
            errors.push(FieldError { field: "step".to_owned(), message });
            return Err(Problem::fields(errors));
        }
        let step = i64::from(step_s);
        let points = (length.whole_seconds() + step - 1) / step;
        if points > MOST_POINTS {
            return Err(Problem::field("step", format!("makes {points} points, and {MOST_POINTS} are the most")));
        }
        // A slot of the finest is told once it is over; a coarser point may still grow.
        let end = if step_s == FINEST_STEP_S { align(to, step) } else { align(to + Duration::seconds(step - 1), step) };
        Ok(Self { from: end - Duration::seconds(points.max(1) * step), to: end, step_s })
    }

    /// The finest points from `after` on that are over.
    pub(super) fn after(after: OffsetDateTime, now: OffsetDateTime) -> Self {
        let step = i64::from(FINEST_STEP_S);
        let from = align(after, step);
        let to = align(now, step).clamp(from, from + Duration::seconds(step * MOST_POINTS));
        Self { from, to, step_s: FINEST_STEP_S }
    }

    /// Seconds of the coarsest kept slots that points can be made of.
    pub(super) const fn level(self) -> u32 {
        if self.step_s.is_multiple_of(900) {
            900
        } else if self.step_s.is_multiple_of(60) {
            60
        } else {
            FINEST_STEP_S
        }
    }

    /// How many points there are.
    pub(super) fn points(self) -> usize {
        usize::try_from((self.to - self.from).whole_seconds() / i64::from(self.step_s)).unwrap_or(0)
    }
}

fn usual_step(length: Duration) -> u32 {
    let seconds = length.whole_seconds();
    STEPS.iter().find(|(longest, _)| seconds <= *longest).map_or(COARSEST, |(_, step)| *step)
}

/// The last multiple of `step` seconds since 1970 that is not after `at`.
fn align(at: OffsetDateTime, step: i64) -> OffsetDateTime {
    let seconds = at.unix_timestamp();
    OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(step)).unwrap_or(at)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00:13.7 UTC);

    fn span(query: LoadQuery) -> Span {
        Span::of(&query, NOW).unwrap()
    }

    fn ago(length: Duration) -> LoadQuery {
        LoadQuery { from: Some(NOW - length), ..LoadQuery::default() }
    }

    #[test]
    fn the_usual_is_five_minutes_of_what_is_over() {
        let span = span(LoadQuery::default());
        assert_eq!((span.to, span.step_s, span.points()), (datetime!(2026-11-21 12:00:10 UTC), 5, 60));
    }

    #[test]
    fn the_longer_the_coarser() {
        for (length, step, level) in
            [(Duration::HOUR, 60, 60), (Duration::DAY, 900, 900), (Duration::days(14), 7200, 900)]
        {
            let span = span(ago(length));
            assert_eq!((span.step_s, span.level()), (step, level));
            assert!((50..200).contains(&span.points()) && span.to >= NOW, "{span:?}");
        }
        assert_eq!(span(LoadQuery { step_s: Some(30), ..LoadQuery::default() }).level(), 5);
    }

    #[test]
    fn nonsense_is_refused() {
        for (query, field) in [
            (LoadQuery { from: Some(NOW), ..LoadQuery::default() }, "from"),
            (ago(Duration::days(16)), "from"),
            (LoadQuery { step_s: Some(0), ..LoadQuery::default() }, "step"),
            (LoadQuery { step_s: Some(7), ..LoadQuery::default() }, "step"),
            (LoadQuery { step_s: Some(5), ..ago(Duration::DAY) }, "step"),
        ] {
            let problem = Span::of(&query, NOW).unwrap_err();
            assert!(problem.message_for(field).is_some(), "{problem:?}");
        }
    }

    #[test]
    fn answers_follow_each_other_without_a_gap() {
        let first = span(LoadQuery::default());
        assert_eq!(Span::after(first.to, NOW).points(), 0, "too early");
        let next = Span::after(first.to, NOW + Duration::seconds(5));
        assert_eq!((next.from, next.points()), (first.to, 1));
        assert!(Span::after(datetime!(1990-01-01 0:00 UTC), NOW).points() <= 1500);
    }
}
