//! Moves backups on: when something has happened, and now and then.

use aerie_store::Signal;
use aerie_usecases::UseCases;
use std::time::Duration;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{sleep, timeout},
};

/// Looks without a signal: signals are hints, and what is due comes without one. Longer: later; shorter: more questions that
/// find nothing.
const EVERY: Duration = Duration::from_secs(5);
/// Signals within this time cause one look. Longer: steps follow each other more slowly; shorter: more looks while services
/// start.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs until it is dropped, which may happen anywhere: what was not committed is done by whoever is next.
pub(super) async fn advance(usecases: UseCases, mut signals: Receiver<Signal>) {
    loop {
        if let Err(failure) = usecases.advance_backups().await {
            // Logs the cause; the next round tries again.
            let _told_in_the_log = failure.into_problem();
        }
        sleep(PAUSE).await;
        // That time is up is as good as a signal.
        let _either = timeout(EVERY, news(&mut signals)).await;
    }
}

/// Waits for a signal that may be about a backup. Never ends when there can be none any more.
async fn news(signals: &mut Receiver<Signal>) {
    loop {
        match signals.recv().await {
            Ok(Signal::Events | Signal::Resync) | Err(RecvError::Lagged(_)) => return,
            Ok(Signal::Service(_) | Signal::Config(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
