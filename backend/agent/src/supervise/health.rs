//! Counts probes and says when the next is due. Pure: time is given.

use aerie_agent_protocol::HealthProbe;
use std::time::{Duration, Instant};

/// Time between probes of a process that starts or has just been told to reload. Larger: everything that waits for a
/// process waits longer; smaller: a program that probes costs the processor time that the start needs.
const STARTING: Duration = Duration::from_millis(50);
/// How long a process is taken to be starting. Larger: one that will never be healthy is probed in vain more often;
/// smaller: a slow one is noticed later.
const STARTING_FOR: Duration = Duration::from_secs(30);
/// How long a starting process may fail probes before that is worth a message.
const PATIENCE: Duration = Duration::from_secs(3);

/// The health of one running process.
#[derive(Debug)]
pub(super) struct Health {
    healthy: bool,
    ready: bool,
    owed: bool,
    failures: u32,
    counted: Option<Instant>,
    healthy_since: Option<Instant>,
    began: Instant,
    next: Instant,
}

impl Health {
    /// Of a process that starts now.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            healthy: false,
            ready: false,
            owed: true,
            failures: 0,
            counted: None,
            healthy_since: None,
            began: now,
            next: now + STARTING,
        }
    }

    /// The process was told something new: what earlier probes said does not count for it, but until it proves
    /// otherwise it is as healthy as it was.
    pub(super) fn renew(&mut self, now: Instant) {
        // Told again before it proved itself, it goes on owing: repeated reloads do not hide that it is broken.
        if !self.owed {
            self.owed = true;
            self.failures = 0;
            self.counted = Some(now);
        }
        self.began = now;
        self.next = now + STARTING;
    }

    /// As [`renew`](Self::renew), for a process that has taken up what is new already.
    pub(super) fn renew_now(&mut self, now: Instant) {
        self.renew(now);
        self.next = now;
    }

    /// A probe went well.
    pub(super) fn passed(&mut self, probe: &HealthProbe, now: Instant) {
        (self.healthy, self.ready, self.owed, self.failures) = (true, true, false, 0);
        self.counted = None;
        self.healthy_since.get_or_insert(now);
        self.next = now + self.interval(probe, now);
    }

    /// A probe went wrong. True if that is worth a message.
    pub(super) fn failed(&mut self, probe: &HealthProbe, now: Instant) -> bool {
        // While probes come fast, they still count only once per interval: a reload is not a failure.
        let interval = Duration::from_millis(probe.interval_ms.into());
        if self.counted.is_none_or(|counted| now.saturating_duration_since(counted) >= interval) {
            self.counted = Some(now);
            self.failures += 1;
        }
        if self.healthy && self.failures >= probe.failures.max(1) {
            self.healthy = false;
            self.healthy_since = None;
        }
        self.next = now + self.interval(probe, now);
        if self.owed { now.saturating_duration_since(self.began) >= PATIENCE } else { !self.healthy }
    }

    fn interval(&self, probe: &HealthProbe, now: Instant) -> Duration {
        if self.owed && now.saturating_duration_since(self.began) < STARTING_FOR {
            STARTING
        } else {
            Duration::from_millis(probe.interval_ms.into()).max(STARTING)
        }
    }

    /// When the next probe is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// What the last probes say.
    pub(super) fn healthy(&self) -> bool {
        self.healthy
    }

    /// It was healthy since it started.
    pub(super) fn ready(&self) -> bool {
        self.ready
    }

    /// It has not yet been healthy since it started or was told something new.
    pub(super) fn owed(&self) -> bool {
        self.owed
    }

    /// How long it has been healthy without a break.
    pub(super) fn healthy_for(&self, now: Instant) -> Duration {
        self.healthy_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// How long ago it started or was told something new.
    pub(super) fn waiting_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_agent_protocol::ProbeKind;

    const PROBE: HealthProbe = HealthProbe { kind: ProbeKind::Alive, interval_ms: 1000, timeout_ms: 1000, failures: 3 };

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_starting_process_is_probed_fast_and_then_at_its_interval() {
        let start = Instant::now();
        let mut health = Health::new(start);
        assert_eq!(health.next(), start + ms(50));
        assert!(!health.failed(&PROBE, start + ms(50)), "too early for a message");
        assert_eq!(health.next(), start + ms(100));
        health.passed(&PROBE, start + ms(100));
        assert!(health.healthy() && health.ready() && !health.owed());
        assert_eq!(health.next(), start + ms(1100));
    }

    #[test]
    fn failures_in_a_row_make_it_unhealthy() {
        let start = Instant::now();
        let mut health = Health::new(start);
        health.passed(&PROBE, start);
        for (second, healthy) in [(1, true), (2, true), (3, false)] {
            assert_eq!(health.failed(&PROBE, start + ms(second * 1000)), !healthy);
            assert_eq!(health.healthy(), healthy);
        }
        health.passed(&PROBE, start + ms(4000));
        assert!(health.healthy());
        assert_eq!(health.healthy_for(start + ms(5000)), ms(1000));
    }

    #[test]
    fn a_success_in_between_starts_the_count_over() {
        let start = Instant::now();
        let mut health = Health::new(start);
        health.passed(&PROBE, start);
        for second in 1..20 {
            if second % 3 == 0 {
                health.passed(&PROBE, start + ms(second * 1000));
            } else {
                health.failed(&PROBE, start + ms(second * 1000));
            }
            assert!(health.healthy());
        }
    }

    #[test]
    fn a_reload_needs_a_fresh_success_but_is_no_failure() {
        let start = Instant::now();
        let mut health = Health::new(start);
        health.passed(&PROBE, start);
        health.renew(start + ms(5000));
        assert!(health.owed() && health.healthy());
        for n in 1..50 {
            health.failed(&PROBE, start + ms(5000 + n * 50));
            assert!(health.healthy(), "after {n} fast probes");
        }
        health.failed(&PROBE, start + ms(8001));
        assert!(!health.healthy(), "three intervals are too long for a reload");
        health.passed(&PROBE, start + ms(8100));
        assert!(!health.owed() && health.healthy());
    }

    #[test]
    fn patience_ends() {
        let start = Instant::now();
        let mut health = Health::new(start);
        assert!(!health.failed(&PROBE, start + ms(2900)));
        assert!(health.failed(&PROBE, start + ms(3000)));
        health.failed(&PROBE, start + ms(31_000));
        assert_eq!(health.next(), start + ms(32_000), "no longer fast");
    }
}
