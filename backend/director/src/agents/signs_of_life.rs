//! Reports that say nothing new, written together: every agent repeats itself every few seconds, and with thousands of
//! them one statement each would be most of what the database does.

use crate::errors::chain;
use aerie_domain::InstanceId;
use aerie_store::Store;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Pause between two writings. Longer: silence is measured less exactly; shorter: more statements.
const EVERY: Duration = Duration::from_secs(1);

/// Instances that were heard since the last writing. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SignsOfLife {
    heard: Arc<Mutex<BTreeSet<InstanceId>>>,
}

impl SignsOfLife {
    /// An agent has repeated its report.
    pub fn note(&self, instance: InstanceId) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(instance);
    }

    /// Writes until dropped, which may happen anywhere: agents repeat themselves.
    pub async fn write(self, store: Store) {
        loop {
            tokio::time::sleep(EVERY).await;
            let heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
            if heard.is_empty() {
                continue;
            }
            let heard: Vec<InstanceId> = heard.into_iter().collect();
            if let Err(error) = store.instances_alive(&heard).await {
                tracing::warn!(error = chain(&error), agents = heard.len(), "signs of life were not written");
            }
        }
    }
}
