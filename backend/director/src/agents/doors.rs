//! Where the directors of this installation listen for agents, as the database knows it: agents are told, so that they find
//! another one when theirs falls silent.

use crate::errors::chain;
use aerie_store::Store;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Pause between two looks. Longer: agents know of a new director later; shorter: more statements.
const EVERY: Duration = Duration::from_secs(1);
/// A director that was not heard of for so long is not called any more. Longer: agents call dead ones; shorter: a director
/// that is merely busy is forgotten. It is a few of its signs of life.
const MAX_AGE: Duration = Duration::from_secs(45);

/// The ports of the agent listeners. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doors {
    ports: Arc<watch::Sender<Vec<u16>>>,
}

impl Default for Doors {
    fn default() -> Self {
        Self { ports: Arc::new(watch::Sender::new(Vec::new())) }
    }
}

impl Doors {
    /// What is known, and every change of it.
    pub(super) fn watch(&self) -> watch::Receiver<Vec<u16>> {
        let mut ports = self.ports.subscribe();
        ports.mark_changed();
        ports
    }

    /// Looks until dropped, which may happen anywhere.
    pub async fn look(self, store: Store) {
        loop {
            match store.director_agent_ports(MAX_AGE).await {
                Ok(ports) => {
                    self.ports.send_if_modified(|known| {
                        let is_new = *known != ports;
                        *known = ports;
                        is_new
                    });
                }
                Err(error) => tracing::warn!(error = chain(&error), "the other directors could not be looked up"),
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
