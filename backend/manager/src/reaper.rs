//! Removes what nobody has a row for: containers, networks and volumes with our label, and output that was kept for
//! long enough.
//!
//! Guarantees: nothing of a service or application that exists is touched; an orphan is removed only when it was one in
//! two sweeps in a row. Such things are left by a director that was paused in the middle of something.

use crate::{ManagerSettings, backoff, kept_logs, names};
use aerie_cloud::{Cloud, Observed, Scope, VolumeOwner};
use aerie_domain::{InstanceId, ServiceId};
use aerie_store::{Store, StoreError};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use time::OffsetDateTime;
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

/// How old a container that works on a volume may be: twice what the longest work may take, and more. Shorter: work is cut off;
/// longer: what a killed director left holds its volume for longer.
const HELPER_LIFE: time::Duration = time::Duration::hours(2);

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
            suspects = match self.sweep(&suspects, OffsetDateTime::now_utc()).await {
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
    async fn sweep(
        &self,
        before: &Suspects,
        now: OffsetDateTime,
    ) -> Result<Suspects, Box<dyn std::error::Error + Send + Sync>> {
        let mut orphans = Suspects::default();

        // containers first, rows second: a row is older than its container
        let containers = self.cloud.inventory(&Scope::Installation).await?;
        let instances: BTreeSet<InstanceId> = self.store.instance_ids().await?.into_iter().collect();
        // work on a volume may take a while
        let at_work = |c: &Observed| {
            names::is_volume_helper(&self.settings.installation, &c.name)
                && c.created_at.is_none_or(|made| now - made < HELPER_LIFE)
        };
        let orphaned = |c: &Observed| !instances.contains(&c.instance) && !at_work(c);
        for container in containers.into_iter().filter(orphaned) {
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
            // named volumes of people go only when their time in the trash is over
            if let VolumeOwner::Service(service) = volume.owner {
                owners.entry(service).or_default().push(volume.name);
            }
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
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use aerie_cloud::{ContainerSpec, NetworkMode, NetworkSpec, VolumeSpec, simulated::SimulatedCloud};
    use aerie_domain::{UserId, UserRole, VolumeId};
    use aerie_store::{NewInstance, NewService, NewUser};
    use sqlx::PgPool;

    fn container(name: &str, service: ServiceId, instance: InstanceId) -> ContainerSpec {
        ContainerSpec {
            name: name.into(),
            instance,
            service,
            image: "x".into(),
            network: NetworkMode::Host,
            environment: BTreeMap::new(),
            volumes: vec![],
            tmpfs: BTreeMap::new(),
            executable: Vec::new(),
            capabilities: vec![],
            mounter: false,
            cpu_millis: 1,
            memory_mib: 1,
            pids: 1,
            log_mib: 1,
        }
    }

    #[sqlx::test(migrator = "aerie_store::MIGRATOR")]
    async fn only_what_has_no_row_is_removed_and_only_the_second_time(pool: PgPool) {
        let store = Store::from_pool(pool);
        let (owner, service, instance) = (UserId::generate(), ServiceId::generate(), InstanceId::generate());
        let mut txn = store.begin().await.unwrap();
        let text = String::new;
        txn.user_insert(&NewUser {
            id: owner,
            name: "ada".into(),
            email: "ada@example.org".into(),
            password_hash: None,
            first_name: text(),
            last_name: text(),
            affiliation: text(),
            role: UserRole::User,
            granted_millis: 0,
        })
        .await
        .unwrap();
        let application = txn.application_insert(owner, &"blog".parse().unwrap()).await.unwrap();
        txn.service_insert(&NewService {
            id: service,
            application_id: application.id,
            name: "php".parse().unwrap(),
            kind: "php".parse().unwrap(),
            counts: BTreeMap::new(),
            settings: BTreeMap::new(),
            active_version_id: None,
        })
        .await
        .unwrap();
        let size = "small".to_owned();
        let roles = vec![];
        let row = NewInstance { id: instance, service_id: service, auxiliary: false, size, roles, slot: None };
        txn.instance_insert(&row).await.unwrap();
        txn.commit().await.unwrap();

        let cloud = SimulatedCloud::default();
        cloud.add_image("x");
        cloud.add_foreign("somebody-elses");
        cloud.ensure_container(&container("ours", service, instance)).await.unwrap();
        cloud.ensure_container(&container("orphan", service, InstanceId::generate())).await.unwrap();
        let helper = container("town-volume-1-files-2", ServiceId::generate(), InstanceId::generate());
        let began = cloud.ensure_container(&helper).await.unwrap().created_at.unwrap();
        let own = VolumeOwner::Service;
        let nobody_knows_it = VolumeOwner::Volume(VolumeId::generate());
        let volumes =
            [("data", own(service)), ("orphan-data", own(ServiceId::generate())), ("of-people", nobody_knows_it)];
        for (name, owner) in volumes {
            cloud.ensure_volume(&VolumeSpec::on_host(name, owner)).await.unwrap();
        }
        let settings = ManagerSettings { installation: "town".into(), ..ManagerSettings::default() };
        let ours = names::network("town", application.id);
        for (index, name) in [ours.as_str(), "town-orphan"].into_iter().enumerate() {
            let subnet = format!("10.208.{index}.0/24");
            let gateway = format!("10.208.{index}.1").parse().unwrap();
            cloud.ensure_network(&NetworkSpec { name: name.into(), subnet, gateway }).await.unwrap();
        }

        let reaper = Reaper::new(store, Arc::new(cloud.clone()), Arc::new(settings));
        let soon = began + time::Duration::HOUR;
        let suspects = reaper.sweep(&Suspects::default(), soon).await.unwrap();
        assert_eq!(cloud.containers().len(), 3, "seen once, it may be in the making");
        reaper.sweep(&suspects, soon).await.unwrap();
        let left = || cloud.containers().into_iter().map(|container| container.name).collect::<Vec<String>>();
        assert_eq!(left(), ["ours", "town-volume-1-files-2"], "work on a volume may take a while");
        let late = began + HELPER_LIFE;
        let suspects = reaper.sweep(&Suspects::default(), late).await.unwrap();
        reaper.sweep(&suspects, late).await.unwrap();
        assert_eq!(left(), ["ours"]);
        assert!(cloud.has_foreign("somebody-elses"));
        let left: Vec<String> = cloud.volumes().await.unwrap().into_iter().map(|volume| volume.name).collect();
        assert_eq!(left, ["data", "of-people"]);
        let left: Vec<String> = cloud.networks().await.unwrap().into_iter().map(|network| network.name).collect();
        assert_eq!(left, [ours]);
    }
}
