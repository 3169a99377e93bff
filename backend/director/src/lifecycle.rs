//! How a director process ends: soft, then hard.
//!
//! Soft: listeners accept nothing new, streams end, running requests finish. Hard: whatever still runs is dropped.
//! Every task of the process is spawned through [`Lifecycle::spawn`], so none is forgotten.

use std::{future::Future, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Time for running requests after a stop was asked for. Larger: slow uploads may finish; smaller: restarts are
/// faster. Service managers usually kill after 90 s.
const SOFT_GRACE: Duration = Duration::from_secs(15);
/// Time for tasks to notice the hard stop. They only have to drop what they hold.
const HARD_GRACE: Duration = Duration::from_secs(3);

/// The two tokens and all tasks of a process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// A process that runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process shall take on nothing new.
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when the process shall drop everything.
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Runs a task that watches one of the tokens itself.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _owned_by_the_tracker = self.tasks.spawn(task);
    }

    /// Counts a future that somebody else runs, so that the process waits for it.
    pub fn track<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        self.tasks.track_future(future)
    }

    /// Runs a task that may be dropped at any await point once the process stops.
    pub fn spawn_until_soft<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let soft = self.soft.clone();
        self.spawn(async move {
            // Cancel-safe: the caller promises that the task may be dropped anywhere.
            let _ended = soft.run_until_cancelled_owned(task).await;
        });
    }

    /// Waits for SIGTERM or SIGINT, or until something inside asked for the end.
    pub async fn until_asked_to_stop(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // All branches only wait; dropping one loses nothing but a signal that says the same.
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
            () = self.soft.cancelled() => {}
        }
        Ok(())
    }

    /// Stops softly, then hard. Returns when all tasks have ended or the time is over.
    pub async fn stop(&self) {
        self.soft.cancel();
        self.tasks.close();
        if tokio::time::timeout(SOFT_GRACE, self.tasks.wait()).await.is_ok() {
            return;
        }
        tracing::warn!(tasks = self.tasks.len(), "some tasks did not end in time and are dropped");
        self.hard.cancel();
        if tokio::time::timeout(HARD_GRACE, self.tasks.wait()).await.is_err() {
            tracing::error!(tasks = self.tasks.len(), "some tasks ignored the hard stop");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_soft_stop_ends_the_tasks() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_until_soft(std::future::pending());
        let watcher = lifecycle.clone();
        lifecycle.spawn(async move { watcher.soft().cancelled().await });
        tokio::time::timeout(Duration::from_secs(5), lifecycle.stop()).await.expect("both tasks end at once");
        assert!(!lifecycle.hard().is_cancelled());
    }
}
