//! What time it is for the managers: the database's clock, which all directors share, with an eye on what it cannot tell.
//!
//! Durations that decide something ("silent for a minute", "drained", "in error for two minutes") are differences between
//! rows' times and now. Three things make such a difference a lie, and are noticed here: the clock was set, this process
//! did not run for a while (stopped, or the machine slept), and the database could not be written.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

/// A difference between the clocks' progress that is no accident any more. Larger: a small step of the clock delays or
/// hastens things by as much; smaller: a slow answer of the database looks like a step, which costs patience only.
const STEP: Duration = Duration::from_secs(5);

/// How often this process notes that it runs.
const BEAT: Duration = Duration::from_secs(1);

/// The clock of one process.
#[derive(Debug)]
pub(crate) struct Clock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Since when reports of agents have been reaching the rows without a break, as far as we can tell.
    watching_since: Instant,
    /// When the database's clock was last found set to another time.
    stepped_at: Option<Instant>,
    /// When this process was last seen running.
    beat: Instant,
    /// The database's time at some moment of ours.
    last: Option<(OffsetDateTime, Instant)>,
}

/// One look at the clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The database's time.
    pub now: OffsetDateTime,
    /// Since when silence means something.
    pub watching_since: OffsetDateTime,
    stepped_at: Option<OffsetDateTime>,
    at: Instant,
}

impl Clock {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { state: Mutex::new(State { watching_since: now, stepped_at: None, beat: now, last: None }) }
    }

    /// Notes for ever that this process runs.
    pub async fn run(&self) {
        loop {
            self.state().beat();
            sleep(BEAT).await;
        }
    }

    /// Nothing could be written: agents were not silent, we were deaf.
    pub fn deaf(&self) {
        self.state().watching_since = Instant::now();
    }

    /// The moment at which the database's clock said this.
    pub fn read(&self, now: OffsetDateTime) -> Moment {
        let mut state = self.state();
        state.beat();
        let at = Instant::now();
        if let Some((last, last_at)) = state.last
            && (now - last - (at - last_at)).unsigned_abs() > STEP
        {
            tracing::warn!(
                database.time = %now, expected = %(last + (at - last_at)),
                "the clock was set: waits that began before begin anew"
            );
            (state.watching_since, state.stepped_at) = (at, Some(at));
        }
        state.last = Some((now, at));
        let then = |instant: Instant| now - (at - instant);
        Moment { now, watching_since: then(state.watching_since), stepped_at: state.stepped_at.map(then), at }
    }

    /// The clock was not set within `span`.
    pub fn is_steady_for(&self, span: Duration) -> bool {
        self.state().stepped_at.is_none_or(|at| at.elapsed() > span)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // every change is complete before anything can panic
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn beat(&mut self) {
        let now = Instant::now();
        if now - self.beat > STEP {
            tracing::warn!(seconds = (now - self.beat).as_secs(), "this process did not run for a while");
            self.watching_since = now;
        }
        self.beat = now;
    }
}

impl Moment {
    /// A row's time, as far as it may be trusted: what was written before the clock was set counts from then.
    pub fn of(&self, written: OffsetDateTime) -> OffsetDateTime {
        if written > self.now + STEP {
            // by a clock that was ahead, which nobody here saw being set back
            return self.stepped_at.unwrap_or(self.watching_since);
        }
        self.stepped_at.map_or(written, |stepped_at| written.max(stepped_at))
    }

    /// The database's time at another moment of this process.
    pub fn at(&self, instant: Instant) -> OffsetDateTime {
        if instant >= self.at { self.now + (instant - self.at) } else { self.now - (self.at - instant) }
    }

    /// How long it still is until then; nothing when it is over.
    pub fn until(&self, then: OffsetDateTime) -> Duration {
        Duration::try_from(then - self.now).unwrap_or_default().saturating_sub(self.at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration as Span, macros::datetime};
    use tokio::time::advance;

    const NOON: OffsetDateTime = datetime!(2026-05-01 12:00 UTC);

    #[tokio::test(start_paused = true)]
    async fn rows_times_are_what_they_say_while_the_clock_is_steady() {
        let clock = Clock::new();
        clock.read(NOON);
        advance(Duration::from_secs(4)).await;
        let moment = clock.read(NOON + Span::seconds(4));
        assert_eq!(moment.watching_since, NOON);
        assert_eq!(moment.of(NOON - Span::hours(3)), NOON - Span::hours(3));
        assert_eq!(moment.of(NOON + Span::seconds(5)), NOON + Span::seconds(5), "written while we looked");
        assert_eq!(moment.until(NOON + Span::seconds(10)), Duration::from_secs(6));
        assert_eq!(moment.at(Instant::now() + Duration::from_secs(2)), NOON + Span::seconds(6));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_begin_anew_when_the_clock_is_set_either_way() {
        for hours in [1, -1] {
            let clock = Clock::new();
            let before = clock.read(NOON).now;
            advance(Duration::from_secs(2)).await;
            let set = clock.read(NOON + Span::hours(hours) + Span::seconds(2));
            assert_eq!((set.watching_since, set.of(before)), (set.now, set.now), "{hours}");
            assert!(!clock.is_steady_for(Duration::from_secs(60)));
            advance(Duration::from_secs(3)).await;
            let later = clock.read(set.now + Span::seconds(3));
            assert_eq!(later.of(before), set.now, "and then goes on");
            assert_eq!(later.of(later.now - Span::seconds(1)), later.now - Span::seconds(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_to_come_of_unknown_origin_is_no_reason_to_wait_for_it() {
        let clock = Clock::new();
        advance(Duration::from_secs(1)).await;
        let moment = clock.read(NOON);
        assert_eq!(moment.of(NOON + Span::hours(1)), NOON - Span::seconds(1), "this process' own beginning");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_was_stopped_was_deaf() {
        let clock = Clock::new();
        clock.read(NOON);
        advance(Duration::from_secs(60)).await;
        let moment = clock.read(NOON + Span::seconds(60));
        assert_eq!(moment.watching_since, moment.now);
        assert!(clock.is_steady_for(Duration::from_secs(1)), "the clock itself is fine");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_runs_without_looking_is_not_deaf() {
        let clock = Clock::new();
        let _ = tokio::time::timeout(Duration::from_secs(60), clock.run()).await;
        let moment = clock.read(NOON);
        assert_eq!(moment.watching_since, NOON - Span::seconds(60));
        clock.deaf();
        assert_eq!(clock.read(NOON).watching_since, NOON);
    }
}
