//! Figures that a kind's program tells: a line `name number` each.

use super::Loads;
use crate::{
    host::Host,
    job::{self, Job},
};
use aerie_agent_protocol::FiguresProbe;
use aerie_domain::{FigureSpec, RoleName};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};

/// How often to ask. Longer: pages lag behind; shorter: asking costs more than what is asked about.
const EVERY: Duration = Duration::from_secs(5);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Characters of an answer that are read. Larger: a program that prints without end costs memory.
const LONGEST_ANSWER: usize = 8 * 1024;
/// Largest believable figure; beyond it thousandths do not fit.
const MOST: f64 = 1e15;

/// Asks for ever; drop it with its process.
pub(crate) async fn ask(host: Host, role: RoleName, probe: FiguresProbe, environment: BTreeMap<String, String>) {
    let mut before: Option<(Instant, BTreeMap<String, f64>)> = None;
    // Dropped with the rest, so that figures of a process that is gone are not told any more.
    let told = Told { loads: host.loads.clone(), role };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let job = Job {
            command: &probe.command,
            environment: &environment,
            timeout: PATIENCE,
            log: None,
            keep: LONGEST_ANSWER,
        };
        let done = job::run(&host, job).await;
        if !done.ok {
            // A process that starts does not answer; old figures mislead.
            told.loads.figures(&told.role, BTreeMap::new());
            before = None;
            continue;
        }
        let (now, numbers) = (Instant::now(), read(&done.output));
        let elapsed = before.as_ref().map(|(then, _)| now.duration_since(*then));
        let known = before.as_ref().map(|(_, numbers)| numbers);
        told.loads.figures(&told.role, figures(&probe.shown, &numbers, known.zip(elapsed)));
        before = Some((now, numbers));
    }
}

/// Takes a role's figures back when it is dropped.
struct Told {
    loads: Loads,
    role: RoleName,
}

impl Drop for Told {
    fn drop(&mut self) {
        self.loads.figures(&self.role, BTreeMap::new());
    }
}

/// The lines that are a name and a number.
fn read(output: &str) -> BTreeMap<String, f64> {
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (name, number) = (words.next()?, words.next()?.parse::<f64>().ok()?);
        (words.next().is_none() && (0.0..=MOST).contains(&number)).then(|| (name.to_owned(), number))
    };
    output.lines().filter_map(line).collect()
}

/// Thousandths of what is shown. A number that only grows needs an earlier one; when it is smaller than that, the process
/// has begun anew.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10^18")]
fn figures(
    shown: &[FigureSpec],
    told: &BTreeMap<String, f64>,
    before: Option<(&BTreeMap<String, f64>, Duration)>,
) -> BTreeMap<String, u64> {
    let figure = |spec: &FigureSpec| {
        let mut number = *told.get(&spec.name)?;
        if spec.per_second {
            let (before, elapsed) = before?;
            let since = *before.get(&spec.name)?;
            number = if number < since { number } else { number - since } / elapsed.as_secs_f64().max(0.001);
        }
        Some((spec.name.clone(), (number.min(MOST) * 1000.0).round() as u64))
    };
    shown.iter().filter_map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_domain::{Across, FigureUnit};

    fn spec(name: &str, per_second: bool) -> FigureSpec {
        FigureSpec {
            name: name.to_owned(),
            title: String::new(),
            unit: FigureUnit::Count,
            per_second,
            across: Across::Sum,
        }
    }

    #[test]
    fn lines_that_are_something_else_are_left_out() {
        let told = read("keys 12\nmemory\t1.5\nbroken -3\nmore words 4\nnan NaN\nendless inf\n\nkeys_of 7 x\n");
        assert_eq!(told, [("keys".to_owned(), 12.0), ("memory".to_owned(), 1.5)].into());
    }

    #[test]
    fn numbers_that_grow_become_rates() {
        let shown = [spec("keys", false), spec("ops", true), spec("absent", false)];
        let told = |keys: f64, ops: f64| BTreeMap::from([("keys".to_owned(), keys), ("ops".to_owned(), ops)]);
        assert_eq!(figures(&shown, &told(3.0, 100.0), None), [("keys".to_owned(), 3000)].into());
        let rate = |before: f64, now: f64| {
            figures(&shown, &told(3.0, now), Some((&told(0.0, before), Duration::from_secs(5))))["ops"]
        };
        assert_eq!(rate(100.0, 150.0), 10_000);
        assert_eq!(rate(100.0, 20.0), 4_000, "it has begun anew");
    }
}
