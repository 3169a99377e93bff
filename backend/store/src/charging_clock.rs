//! Telling steps of the database's clock from time that passed. Pure.
//!
//! Meters run by the database's wall clock, which may be stepped (by hand, or when a machine finds a time server). A
//! director's machine has a clock that cannot: its uptime. Wall clock less uptime is constant but for steps, so each
//! charging run brings a reading of both. What was found out is kept per boot of a machine, less the steps known so far:
//! two machines that see the same step count it once.

use aerie_domain::BootId;
use std::time::Instant;
use time::{Duration, OffsetDateTime};

/// Smaller differences are not steps but readings that took a while, or clocks that are slowed down or sped up a little.
/// Larger: smaller steps are charged or given away. Smaller: meters are moved for nothing.
pub(crate) const TOLERANCE: Duration = Duration::seconds(5);

/// How old a reading may be when it is used: a director that was paused in between must not judge by it. Larger: it may;
/// smaller: runs that waited for another director's are for nothing, and repeated later.
const MAX_AGE: std::time::Duration = std::time::Duration::from_secs(5);

/// Two clocks, read at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Boot of the machine that the uptime is of.
    pub machine: BootId,
    /// Time since that boot. Never goes back.
    pub uptime: std::time::Duration,
    /// The database's clock.
    pub wall: OffsetDateTime,
    /// When, by this process: a reading that waited is worth nothing.
    pub taken: Instant,
}

/// What is kept of a machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownClock {
    pub base_us: i64,
    pub uptime_us: i64,
    /// The charging run of the last reading.
    pub last_run: i64,
}

/// A step that nobody knew of yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// By how much, microseconds.
    pub by_us: i64,
    /// It happened after this run.
    pub after_run: i64,
    /// What the clock showed between the last reading and this one, had it not been stepped: what carries such a time
    /// happened before the step.
    pub before: (OffsetDateTime, OffsetDateTime),
}

/// What a reading tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: it is older than what is known.
    Stale,
    /// The clock runs as it should, or nobody can tell.
    Fine,
    /// The clock was stepped.
    Stepped(Step),
}

impl ClockReading {
    pub(crate) fn uptime_us(&self) -> i64 {
        i64::try_from(self.uptime.as_micros()).unwrap_or(i64::MAX)
    }

    /// Wall clock less uptime, microseconds.
    pub(crate) fn offset_us(&self) -> i64 {
        let wall = self.wall.unix_timestamp_nanos() / 1000;
        i64::try_from(wall).unwrap_or(i64::MAX).saturating_sub(self.uptime_us())
    }

    /// Took too long to be used.
    pub(crate) fn is_old(&self) -> bool {
        self.taken.elapsed() > MAX_AGE
    }

    /// Compares with what is known of this machine and of all steps so far.
    pub(crate) fn judge(&self, known: Option<&KnownClock>, stepped_us: i64) -> Verdict {
        let Some(known) = known else { return Verdict::Fine };
        if self.uptime_us() < known.uptime_us {
            return Verdict::Stale;
        }
        let by_us = self.offset_us().saturating_sub(known.base_us).saturating_sub(stepped_us);
        if Duration::microseconds(by_us).abs() <= TOLERANCE {
            return Verdict::Fine;
        }
        let passed = Duration::microseconds(self.uptime_us() - known.uptime_us);
        // Reckoned from now: since the last reading another machine may have seen other steps.
        let end = self.wall - Duration::microseconds(by_us);
        let before = (end - passed - TOLERANCE, end + TOLERANCE);
        Verdict::Stepped(Step { by_us, after_run: known.last_run, before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn reading(uptime: u64, wall: OffsetDateTime) -> ClockReading {
        let machine = BootId(sqlx::types::Uuid::nil());
        ClockReading { machine, uptime: std::time::Duration::from_secs(uptime), wall, taken: Instant::now() }
    }

    fn known(uptime: u64, wall: OffsetDateTime) -> KnownClock {
        let reading = reading(uptime, wall);
        KnownClock { base_us: reading.offset_us(), uptime_us: reading.uptime_us(), last_run: 7 }
    }

    #[test]
    fn time_that_passes_is_no_step() {
        let known = known(100, NOON);
        assert_eq!(reading(160, NOON + Duration::seconds(60)).judge(Some(&known), 0), Verdict::Fine);
        // A director that was away for a day.
        assert_eq!(reading(86_500, NOON + Duration::DAY).judge(Some(&known), 0), Verdict::Fine);
        assert_eq!(reading(160, NOON + Duration::seconds(63)).judge(Some(&known), 0), Verdict::Fine);
        assert_eq!(reading(160, NOON + Duration::HOUR).judge(None, 0), Verdict::Fine, "nobody can tell");
    }

    #[test]
    fn steps_are_found_either_way_and_once() {
        let known = known(100, NOON);
        for by in [Duration::HOUR, -Duration::HOUR] {
            let now = reading(120, NOON + Duration::seconds(20) + by);
            let Verdict::Stepped(step) = now.judge(Some(&known), 0) else { panic!("{by}") };
            assert_eq!(Duration::microseconds(step.by_us), by);
            assert_eq!(step.before, (NOON - TOLERANCE, NOON + Duration::seconds(20) + TOLERANCE));
            // The other machine's director was faster and counted the same step.
            assert_eq!(now.judge(Some(&known), step.by_us), Verdict::Fine);
        }
    }

    #[test]
    fn an_old_reading_says_nothing() {
        assert_eq!(reading(99, NOON + Duration::HOUR).judge(Some(&known(100, NOON)), 0), Verdict::Stale);
    }
}
