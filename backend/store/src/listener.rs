//! The one connection per process on which the database says that something happened.
//!
//! Guarantees: after anything may have been lost (start, reconnection, a slow subscriber) there is a
//! [`Signal::Resync`] or a lag error, which means the same. Caveats: signals are hints; they may repeat.

use crate::{Store, StoreError};
use aerie_domain::{InstanceId, ServiceId};
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio::{
    sync::broadcast,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Signals that a slow subscriber may be behind. Larger: more memory; smaller: more full reloads under load.
const CAPACITY: usize = 1024;
/// Pauses between attempts to reconnect, doubling from the first to the last. A smaller last one hammers a database
/// that is starting; a larger one leaves pages without news after it is back.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often to look whether events that wait for an older transaction can be read. Smaller: more queries while one is
/// open; larger: later news.
const PENDING_CHECK: Duration = Duration::from_millis(100);

/// What the database says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// There are new events.
    Events,
    /// The manager of this service should have a look.
    Service(ServiceId),
    /// The configuration of this instance has changed.
    Config(InstanceId),
    /// Signals may have been lost: look at everything.
    Resync,
}

/// Listens until it is stopped or dropped.
#[derive(Debug)]
pub struct Listener {
    signals: broadcast::Sender<Signal>,
    task: JoinHandle<()>,
    stop: DropGuard,
}

impl Listener {
    /// Begins to listen, on a connection of its own, until `cancel` or [`stop`](Self::stop). Whoever subscribes before
    /// it is connected gets a first [`Signal::Resync`] then.
    pub fn start(store: &Store, cancel: &CancellationToken) -> Self {
        let (signals, _) = broadcast::channel(CAPACITY);
        let stop = cancel.child_token();
        let task = tokio::spawn(run(store.clone(), signals.clone(), stop.clone()));
        Self { signals, task, stop: stop.drop_guard() }
    }

    /// Signals from now on. Subscribe first, then read: what changes in between is signalled. A subscriber that is told
    /// that it lagged behind treats that as [`Signal::Resync`].
    pub fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    /// Stops, and waits until it has.
    pub async fn stop(self) {
        self.stop.disarm().cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the database listener ended badly");
        }
    }
}

async fn run(store: Store, signals: broadcast::Sender<Signal>, cancel: CancellationToken) {
    let mut pause = BACKOFF.0;
    loop {
        let connected = Instant::now();
        tokio::select! {
            // Cancel-safe: a token stays cancelled.
            () = cancel.cancelled() => return,
            // Dropping it drops the connection, which is what is wanted.
            result = listen(&store, &signals) => match result {
                Ok(()) => tracing::warn!("the database listener lost its connection"),
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "the database listener failed");
                }
            },
        }
        pause = if connected.elapsed() > BACKOFF.1 { BACKOFF.0 } else { (pause * 2).min(BACKOFF.1) };
        tokio::select! {
            // Cancel-safe: a token stays cancelled.
            () = cancel.cancelled() => return,
            // Cancel-safe: nothing is lost with a timer.
            () = sleep(pause) => {}
        }
    }
}

/// Passes signals on; ends when the connection is lost.
async fn listen(store: &Store, signals: &broadcast::Sender<Signal>) -> Result<(), StoreError> {
    let mut listener = PgListener::connect_with(store.pool()).await?;
    listener.eager_reconnect(false);
    listener.listen_all(["aerie_events", "aerie_wake"]).await?;
    send(signals, Signal::Resync);
    let mut check_at: Option<Instant> = None;
    loop {
        tokio::select! {
            // Cancel-safe: bytes of an unfinished message stay in the connection's buffer.
            notification = listener.try_recv() => match notification? {
                Some(notification) => match signal(notification.channel(), notification.payload()) {
                    Some(Signal::Events) => check_at = events(store, signals).await?,
                    Some(other) => send(signals, other),
                    None => tracing::warn!(payload = notification.payload(), "an unknown wake-up was ignored"),
                },
                None => return Ok(()),
            },
            // Cancel-safe: nothing is lost with a timer.
            () = sleep_until(check_at.unwrap_or_else(Instant::now)), if check_at.is_some() => {
                check_at = events(store, signals).await?;
            }
        }
    }
}

/// Says that there are events. If some cannot be read yet because an older transaction is open, answers when to say so
/// again: nobody notifies when that transaction ends.
async fn events(store: &Store, signals: &broadcast::Sender<Signal>) -> Result<Option<Instant>, StoreError> {
    let pending = store.events_pending().await?;
    send(signals, Signal::Events);
    Ok(pending.then(|| Instant::now() + PENDING_CHECK))
}

/// Nobody listening is fine.
fn send(signals: &broadcast::Sender<Signal>, signal: Signal) {
    let _ = signals.send(signal);
}

fn signal(channel: &str, payload: &str) -> Option<Signal> {
    if channel == "aerie_events" {
        return Some(Signal::Events);
    }
    match payload.split_once(' ')? {
        ("service", id) => id.parse().ok().map(Signal::Service),
        ("config", id) => id.parse().ok().map(Signal::Config),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_ups_are_read_and_nonsense_is_ignored() {
        let (service, instance) = (ServiceId::generate(), InstanceId::generate());
        assert_eq!(signal("aerie_events", ""), Some(Signal::Events));
        assert_eq!(signal("aerie_wake", &format!("service {service}")), Some(Signal::Service(service)));
        assert_eq!(signal("aerie_wake", &format!("config {instance}")), Some(Signal::Config(instance)));
        for nonsense in ["", "service", "service x", "user 1"] {
            assert_eq!(signal("aerie_wake", nonsense), None);
        }
    }
}
