//! Sends the requests of load runs, and counts.
//!
//! Guarantees: connections go to the one address that the wiring names, whatever an order says; requests are sent when
//! they are due, however slow answers are (open loop), unless too many wait; a run ends, with this process at the latest.

mod pace;
mod request;

use aerie_domain::views::{LoadRunResult, LoadRunState};
use aerie_usecases::{LoadOrder, UseCases};
use pace::Pace;
use request::{Client, Ended, client};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Requests that may wait for their answers at a time. Larger: more connections to the entry, which allows 4000 for all.
const MOST_IN_FLIGHT: usize = 500;
/// How often a run tells how far it is, and learns that it shall stop.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Carries out orders until the process stops, several at a time.
pub async fn send_requests(
    usecases: UseCases,
    mut orders: mpsc::Receiver<LoadOrder>,
    entry: SocketAddr,
    stop: CancellationToken,
) {
    let mut runs = JoinSet::new();
    loop {
        // Both branches are cancel-safe: an order stays in the channel, a run that has ended stays in the set.
        tokio::select! {
            order = orders.recv() => match order {
                Some(order) => _ = runs.spawn(run(usecases.clone(), order, entry, stop.clone())),
                None => break,
            },
            Some(_) = runs.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    // Orders that came at the last moment, too: they see the same token, and note that they were cut off.
    orders.close();
    while let Some(order) = orders.recv().await {
        runs.spawn(run(usecases.clone(), order, entry, stop.clone()));
    }
    while runs.join_next().await.is_some() {}
}

async fn run(usecases: UseCases, order: LoadOrder, entry: SocketAddr, stop: CancellationToken) {
    let mut result = LoadRunResult::default();
    let (state, error) = match carry_out(&usecases, &order, entry, &stop, &mut result).await {
        Halt::Done => (LoadRunState::Done, ""),
        Halt::Cancelled => (LoadRunState::Cancelled, ""),
        Halt::Stopping => (
            LoadRunState::Failed,
            "The director that sent the requests has stopped, and the run with it. Start it again.",
        ),
        Halt::Impossible => (LoadRunState::Failed, "The address of the application cannot be asked."),
    };
    if let Err(failure) = usecases.load_run_end(order.id, state, error, &result).await {
        // The tidying task ends it.
        let _told_in_the_log = failure.into_problem();
    }
}

/// Why no more requests are sent.
enum Halt {
    Done,
    Cancelled,
    Stopping,
    Impossible,
}

async fn carry_out(
    usecases: &UseCases,
    order: &LoadOrder,
    entry: SocketAddr,
    stop: &CancellationToken,
    result: &mut LoadRunResult,
) -> Halt {
    let client: Client = client(entry);
    let Some(uri) = request::uri(&order.host, entry.port(), &order.path) else { return Halt::Impossible };
    let mut pace = Pace::new(Instant::now(), order.rate, order.seconds);
    // Dropped with this function, and every request with it.
    let mut waiting = JoinSet::new();
    let mut tell = interval(TELL_EVERY);
    tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = pace.due();
        if due.is_none() && waiting.is_empty() {
            return Halt::Done;
        }
        let next = async {
            match due {
                Some(due) => {
                    sleep_until(due).await;
                    due
                }
                None => std::future::pending().await,
            }
        };
        // All branches are cancel-safe: the time of the next request stays with the pace, an answer in its set.
        tokio::select! {
            due = next => {
                pace.sent();
                if waiting.len() < MOST_IN_FLIGHT {
                    result.sent += 1;
                    waiting.spawn(request::send(client.clone(), uri.clone(), due));
                } else {
                    result.skipped += 1;
                }
            }
            Some(ended) = waiting.join_next() => count(result, ended.unwrap_or(Ended::Failed("the request was given up"))),
            _ = tell.tick() => match usecases.load_run_note(order.id, result).await {
                Ok(true) => {}
                Ok(false) => return Halt::Cancelled,
                // The database is away: requests go on, for at most a minute.
                Err(failure) => _ = failure.into_problem(),
            },
            () = stop.cancelled() => return Halt::Stopping,
        }
    }
}

fn count(result: &mut LoadRunResult, ended: Ended) {
    match ended {
        Ended::Answered { status, micros } => {
            *result.statuses.entry(status).or_default() += 1;
            if status < 400 {
                result.ok += 1;
            }
            result.times.record(micros);
        }
        Ended::Failed(reason) => *result.failures.entry(reason.to_owned()).or_default() += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_what_they_are() {
        let mut result = LoadRunResult::default();
        for status in [200, 200, 302, 404, 503] {
            count(&mut result, Ended::Answered { status, micros: 1000 });
        }
        count(&mut result, Ended::Failed("no answer"));
        assert_eq!((result.ok, result.times.total()), (3, 5));
        assert_eq!(result.statuses, [(200, 2), (302, 1), (404, 1), (503, 1)].into());
        assert_eq!(result.failures, [("no answer".to_owned(), 1)].into());
    }
}
