//! Removes what nobody has a row for: containers, networks and volumes with our label, and output that was kept for
//! long enough.
//!
//! Guarantees: nothing of a service or application that exists is touched; an orphan is removed only when it was one in
//! two sweeps in a row. Such things are left by a director that was paused in the middle of something.

use crate::{ManagerSettings, backoff, kept_logs, names};
use aerie_cloud::{Cloud, Scope};
use aerie_domain::{InstanceId, ServiceId};
use aerie_store::{Store, StoreError};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How often to sweep; an orphan lives one to two of these. Longer: orphans cost memory for longer; shorter: the whole
/// inventory is read more often.
const SWEEP: Duration = Duration::from_secs(60);

/// How often to tidy up old output.
const TIDY: Duration = Duration::from_secs(3600);

/// What an orphan's processes may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// Lines of a manager's log are kept for so long, and so many of each service.
const LOG_KEPT: (Duration, i64) = (Duration::from_secs(30 * 24 * 3600), 10_000);

/// Sweeps.
pub(crate) struct Reaper {
    store: Store,
    cloud: Arc<dyn Cloud>,
    settings: Arc<ManagerSettings>,
}

/// Names that had no row in the last sweep.
#[derive(Default)]
struct Suspects {
    containers: BTreeSet<String>,
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
}

impl Reaper {
    pub fn new(store: Store, cloud: Arc<dyn Cloud>, settings: Arc<ManagerSettings>) -> Self {
        Self { store, cloud, settings }
    }

    /// Sweeps for ever.
    pub async fn run(&self) {
        let mut suspects = Suspects::default();
        let mut tidied: Option<Instant> = None;
        loop {
            sleep(backoff::jitter(SWEEP)).await;
            suspects = match self.sweep(&suspects).await {
                Ok(suspects) => suspects,
                Err(error) => {
                    tracing::warn!(error = error.as_ref() as &dyn std::error::Error, "a sweep for orphans failed");
                    Suspects::default()
                }
            };
            if tidied.is_none_or(|last| last.elapsed() >= TIDY) {
                if let Err(error) = self.tidy().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old output could not be tidied up");
                }
                tidied = Some(Instant::now());
            }
        }
    }

    /// Removes what was an orphan before and still is; answers with the orphans it leaves.
    async fn sweep(&self, before: &Suspects) -> Result<Suspects, Box<dyn std::error::Error + Send + Sync>> {
        let mut orphans = Suspects::default();

        // containers first, rows second: a row is older than its container
        let containers = self.cloud.inventory(&Scope::Installation).await?;
        let instances: BTreeSet<InstanceId> = self.store.instance_ids().await?.into_iter().collect();
        for container in containers.into_iter().filter(|container| !instances.contains(&container.instance)) {
            if before.containers.contains(&container.name) {
                tracing::info!(container.name, "removing a container that nobody has a row for");
                self.cloud.remove_container(&container.name, GRACE).await?;
            } else {
                orphans.containers.insert(container.name);
            }
        }

        let volumes = self.cloud.volumes().await?;
        let mut owners: BTreeMap<ServiceId, Vec<String>> = BTreeMap::new();
        for volume in volumes {
            owners.entry(volume.service).or_default().push(volume.name);
        }
        let known: Vec<ServiceId> = owners.keys().copied().collect();
        for service in self.store.service_ids_among(&known).await? {
            owners.remove(&service);
        }
        for name in owners.into_values().flatten() {
            if before.volumes.contains(&name) {
                tracing::info!(volume.name = name, "removing a volume of a service that is gone");
                self.cloud.remove_volume(&name).await?;
            } else {
                orphans.volumes.insert(name);
            }
        }

        let networks = self.cloud.networks().await?;
        let wanted: BTreeSet<String> = self
            .store
            .application_ids()
            .await?
            .into_iter()
            .map(|application| names::network(&self.settings.installation, application))
            .collect();
        for network in networks.into_iter().filter(|network| !wanted.contains(&network.name)) {
            if before.networks.contains(&network.name) {
                tracing::info!(network.name, "removing a network of an application that is gone");
                self.cloud.remove_network(&network.name).await?;
            } else {
                orphans.networks.insert(network.name);
            }
        }
        Ok(orphans)
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let age = Duration::from_secs(u64::from(self.settings.kept_logs_hours) * 3600);
        let bytes = i64::try_from(self.settings.kept_logs_bytes).unwrap_or(i64::MAX);
        for removed in self.store.removed_instances_expired(age, bytes).await? {
            match kept_logs::forget(&self.settings.log_dir, removed.service_id, removed.id).await {
                Ok(()) => self.store.removed_instance_delete(removed.id).await?,
                Err(error) => tracing::warn!(instance.id = %removed.id, %error, "kept output could not be removed"),
            }
        }
        self.store.manager_log_prune(LOG_KEPT.0, LOG_KEPT.1).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::SWEEP;

    #[test]
    fn an_orphan_lives_for_at_least_a_minute() {
        // A paused director's transaction is ended by the database after 20 s: nothing in the making is older.
        assert!(SWEEP.as_secs() >= 30);
    }
}
