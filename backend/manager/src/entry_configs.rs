//! What the entry was told, kept from look to look: it names every route of the installation, and every service that starts
//! asks again and again whether its own is in it.

use aerie_agent_protocol::InstanceConfig;
use aerie_domain::InstanceId;
use aerie_store::{Store, StoreError};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Instances of the entry that are remembered. There is one at a time; others are ones that it has replaced.
const REMEMBERED: usize = 4;

/// The newest configurations seen.
#[derive(Default)]
pub(crate) struct EntryConfigs(Mutex<HashMap<InstanceId, Arc<InstanceConfig>>>);

impl EntryConfigs {
    /// The configuration of an instance, of this generation or a later one; none when there is none yet.
    pub async fn of(
        &self,
        store: &Store,
        instance: InstanceId,
        generation: i64,
    ) -> Result<Option<Arc<InstanceConfig>>, StoreError> {
        let known = self.known().get(&instance).filter(|config| config.generation >= generation).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(config) = store.instance_config(instance).await?.map(Arc::new) else { return Ok(None) };
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(instance, Arc::clone(&config));
        Ok(Some(config))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<InstanceId, Arc<InstanceConfig>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
