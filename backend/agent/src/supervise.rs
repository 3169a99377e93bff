//! Keeps processes running as wanted: one actor per process, told what to do through a [`Supervisor`], telling what it
//! did on the board.
//!
//! Used by `apply` only. `change` decides (pure), `health` counts probes (pure), `child` is the running process,
//! `actor` ties them together.

mod actor;
mod change;
mod child;
mod health;

use crate::host::Host;
use actor::Actor;
use aerie_agent_protocol::ProcessSpec;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// What one configuration says of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The configuration's generation.
    pub(crate) generation: i64,
    /// The process.
    pub(crate) spec: ProcessSpec,
    /// Its whole environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// Stands for the content of its files.
    pub(crate) files: [u8; 32],
}

/// Commands one actor. Dropped without [`Supervisor::stop`], it kills the process.
pub(crate) struct Supervisor {
    name: String,
    wanted: watch::Sender<Option<Arc<Wanted>>>,
    task: AbortOnDropHandle<()>,
}

impl Supervisor {
    /// Starts to supervise.
    pub(crate) fn new(host: Host, wanted: Wanted) -> Self {
        let name = wanted.spec.name.clone();
        let (sender, receiver) = watch::channel(Some(Arc::new(wanted)));
        let actor = Actor::new(host, name.clone(), receiver);
        Self { name, wanted: sender, task: AbortOnDropHandle::new(tokio::spawn(actor.run())) }
    }

    /// The process' name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Says what a newer configuration wants of the process.
    pub(crate) fn want(&self, wanted: Wanted) {
        self.wanted.send_if_modified(|now| {
            let differs = now.as_deref() != Some(&wanted);
            *now = Some(Arc::new(wanted));
            differs
        });
    }

    /// Asks the process to end, waits and kills it when its time is over. Dropping the future leaves the process to be
    /// killed with the supervisor.
    pub(crate) async fn stop(&mut self) {
        self.wanted.send_replace(None);
        // An actor that panicked has taken its process along.
        let _ = (&mut self.task).await;
    }
}

#[cfg(test)]
mod tests;
