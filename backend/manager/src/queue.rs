//! Which key is to be looked at next. Used by the driver.
//!
//! Guarantees: never two runs of one key at a time; several wishes for one key become one, the earliest counts; a wish
//! for a key that is being run is kept until that run is done. A key whose run failed waits 1 s, 2 s, 4 s … up to
//! 5 minutes, unless something wakes it before.

use crate::backoff;
use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// How long a wake-up waits for others of the same key. Longer: every reaction is slower by as much; shorter: a burst of
/// reports costs more passes.
const DEBOUNCE: Duration = Duration::from_millis(3);

/// The queue.
#[derive(Debug)]
pub struct Queue<K> {
    state: Mutex<State<K>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<K> {
    /// In the order of their times.
    waiting: BTreeSet<(Instant, K)>,
    /// The same, by key.
    times: HashMap<K, Instant>,
    /// Keys that are being run, and when they are to be run again.
    running: HashMap<K, Option<Instant>>,
    failures: HashMap<K, u32>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well; look again after so long.
    Again(Duration),
    /// Not well; look again after a growing wait.
    Failed,
    /// Nothing more to do unless somebody wakes it.
    Forget,
}

impl<K: Copy + Ord + Hash> Default for Queue<K> {
    fn default() -> Self {
        let state = State {
            waiting: BTreeSet::new(),
            times: HashMap::new(),
            running: HashMap::new(),
            failures: HashMap::new(),
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }
}

impl<K: Copy + Ord + Hash> Queue<K> {
    /// Something has happened to this key.
    pub fn wake(&self, key: K) {
        self.schedule(key, Instant::now() + DEBOUNCE);
    }

    /// How many keys are due and how many are being run. Those that are only to be looked at again later do not wait.
    pub fn lengths(&self) -> (usize, usize) {
        let (state, now) = (self.state(), Instant::now());
        (state.waiting.iter().take_while(|(at, _)| *at <= now).count(), state.running.len())
    }

    /// Look at this key at that time or earlier.
    pub fn schedule(&self, key: K, at: Instant) {
        let mut state = self.state();
        if let Some(again) = state.running.get_mut(&key) {
            *again = Some(again.map_or(at, |other| other.min(at)));
            return;
        }
        state.put(key, at);
        drop(state);
        self.changed.notify_one();
    }

    /// Look at this key at that time, if nothing is planned for it yet.
    pub fn schedule_if_absent(&self, key: K, at: Instant) {
        let known = {
            let state = self.state();
            state.running.contains_key(&key) || state.times.contains_key(&key)
        };
        if !known {
            self.schedule(key, at);
        }
    }

    /// The next key whose time has come; it counts as being run until [`Self::done`].
    ///
    /// Cancel-safe: a key is taken only when it is returned. For one caller at a time.
    pub async fn next(&self) -> K {
        loop {
            let first = {
                let mut state = self.state();
                match state.waiting.first().copied() {
                    Some((at, key)) if at <= Instant::now() => {
                        state.waiting.remove(&(at, key));
                        state.times.remove(&key);
                        state.running.insert(key, None);
                        return key;
                    }
                    first => first.map(|(at, _)| at),
                }
            };
            match first {
                None => self.changed.notified().await,
                Some(at) => tokio::select! {
                    // Cancel-safe: a notification that is not consumed stays for the next call.
                    () = self.changed.notified() => {}
                    // Cancel-safe: nothing is lost with a timer.
                    () = sleep_until(at) => {}
                },
            }
        }
    }

    /// The run of a key has ended.
    pub fn done(&self, key: K, outcome: Outcome) {
        let mut state = self.state();
        let woken = state.running.remove(&key).flatten();
        let again = match outcome {
            Outcome::Again(wait) => {
                state.failures.remove(&key);
                Some(Instant::now() + wait)
            }
            Outcome::Failed => {
                let failures = state.failures.entry(key).or_insert(0);
                *failures = failures.saturating_add(1);
                Some(Instant::now() + backoff::jitter(backoff::delay(*failures)))
            }
            Outcome::Forget => {
                state.failures.remove(&key);
                None
            }
        };
        let at = match (woken, again) {
            (Some(woken), Some(again)) => Some(woken.min(again)),
            (woken, again) => woken.or(again),
        };
        if let Some(at) = at {
            state.put(key, at);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// How often in a row the key's runs failed.
    pub fn failures(&self, key: K) -> u32 {
        self.state().failures.get(&key).copied().unwrap_or(0)
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        // every change is complete before anything can panic
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Ord + Hash> State<K> {
    /// The earliest time counts.
    fn put(&mut self, key: K, at: Instant) {
        if let Some(planned) = self.times.get(&key).copied() {
            if planned <= at {
                return;
            }
            self.waiting.remove(&(planned, key));
        }
        self.times.insert(key, at);
        self.waiting.insert((at, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    async fn idle(queue: &Queue<u8>, wait: Duration) -> bool {
        timeout(wait, queue.next()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn wishes_for_one_key_become_one_run() {
        let queue = Queue::default();
        for _ in 0..5 {
            queue.wake(1);
        }
        assert_eq!(queue.next().await, 1);
        queue.done(1, Outcome::Forget);
        assert!(idle(&queue, Duration::from_secs(3600)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_wish_counts() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.schedule(1, start + Duration::from_secs(30));
        queue.schedule(1, start + Duration::from_secs(10));
        queue.schedule(1, start + Duration::from_secs(20));
        queue.next().await;
        assert_eq!((Instant::now() - start).as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_never_run_twice_at_a_time_and_no_wish_is_lost() {
        let queue = Queue::default();
        queue.wake(1);
        assert_eq!(queue.next().await, 1);
        queue.wake(1);
        queue.wake(2);
        assert_eq!(queue.next().await, 2);
        assert!(idle(&queue, Duration::from_secs(60)).await);
        queue.done(1, Outcome::Again(Duration::from_secs(30)));
        assert_eq!(timeout(Duration::from_millis(1), queue.next()).await, Ok(1), "the wish during the run");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_wait_longer_each_time_and_are_forgotten_after_a_success() {
        let queue = Queue::default();
        queue.wake(1);
        let mut last = Instant::now();
        for expected in [0_u64, 1, 2, 4, 8] {
            queue.next().await;
            let waited = (Instant::now() - last).as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let expected = expected as f64;
            assert!((waited - expected).abs() <= expected * 0.1 + 0.01, "{waited} {expected}");
            last = Instant::now();
            queue.done(1, Outcome::Failed);
        }
        assert_eq!(queue.failures(1), 5);
        queue.next().await;
        queue.done(1, Outcome::Again(Duration::from_secs(1)));
        assert_eq!(queue.failures(1), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_up_does_not_wait_for_a_backoff() {
        let queue = Queue::default();
        queue.wake(1);
        queue.next().await;
        for _ in 0..8 {
            queue.done(1, Outcome::Failed);
            queue.next().await;
        }
        queue.done(1, Outcome::Failed);
        let before = Instant::now();
        queue.wake(1);
        queue.next().await;
        assert!(Instant::now() - before < Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_planned_is_not_planned_again() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.schedule(1, start + Duration::from_secs(30));
        queue.schedule_if_absent(1, start);
        queue.next().await;
        assert_eq!((Instant::now() - start).as_secs(), 30);
        queue.schedule_if_absent(2, start);
        assert_eq!(queue.next().await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_who_waits_hears_of_a_new_key() {
        let queue = std::sync::Arc::new(Queue::default());
        let other = queue.clone();
        let waiting = tokio::spawn(async move { other.next().await });
        tokio::task::yield_now().await;
        queue.wake(7);
        assert_eq!(waiting.await.ok(), Some(7));
    }
}
