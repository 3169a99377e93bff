//! Fills the [`World`] of one service: its rows, one inventory of its containers, and what others told.

use crate::{
    ManagerSettings, carriers,
    clock::{Clock, Moment},
    entry_configs::EntryConfigs,
    execute::{Images, PassError, Subject, Works},
    routes,
    uses::{self, Uses},
    world::{
        Attached, Entry, EntryInstance, Image, Instance, OpenAction, OpenOperation, Role, Seen, Service, Status,
        Version, Work, World,
    },
};
use aerie_agent_protocol::{CodeVersionSpec, TaggedLine};
use aerie_cloud::{Cloud, ContainerStatus, LogsFrom, Observed, Scope};
use aerie_domain::{DesiredState, DirectorId, InstanceId, KindName, RolePhase, ServiceId, ServiceState};
use aerie_kinds::{Kind, Kinds, place};
use aerie_store::{ApplicationRow, AttachmentRow, InstanceRow, OpenActionRow, ServiceRow, Store, VersionRow};
use futures_util::StreamExt;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How many lines of an ended container's output go into the reason.
const LAST_LINES: u32 = 5;

/// How long those may take.
const LAST_LINES_WAIT: Duration = Duration::from_secs(2);

/// A director or an agent that was not heard of for so long is late: both tell of themselves every ten seconds.
const LATE: Duration = Duration::from_secs(20);

/// Directors that have been silent for so long are dead, and their agents' connections with them. Longer: instances whose
/// director died for good, on a port that nobody has now, are replaced later; shorter: those of one that was frozen are
/// replaced although they are well.
pub(crate) const DEAD: Duration = Duration::from_secs(600);

/// Reads worlds.
pub(crate) struct Reader {
    /// This process.
    pub director: DirectorId,
    pub store: Store,
    pub cloud: Arc<dyn Cloud>,
    pub kinds: Kinds,
    pub settings: Arc<ManagerSettings>,
    pub clock: Clock,
    /// The entry's service, once known: there is one, and it stays.
    pub entry: Mutex<Option<ServiceId>>,
    pub entry_configs: EntryConfigs,
}

impl Reader {
    /// The world of a service; nothing when the service is gone.
    pub async fn world(
        &self,
        id: ServiceId,
        moment: &Moment,
        works: &Works,
        images: &Images,
    ) -> Result<Option<(World, Subject)>, PassError> {
        let queued = works.position(id);
        // before rows and inventory: see `Works::of`
        let works = works.of(id, moment);
        let Some((row, application, owner)) = self.store.service_with_owner(id).await? else { return Ok(None) };
        let kind = self.kinds.get(row.kind.as_str()).cloned();
        let versions: Vec<_> =
            [row.serving_version_id, row.active_version_id, row.previous_version_id].into_iter().flatten().collect();
        let (instances, versions, operation, uses) = tokio::try_join!(
            self.store.instance_list(id),
            self.store.versions_fetch(id, &versions),
            self.store.operation_latest(id),
            uses::read(&self.store, &self.kinds, &row, &application),
        )?;
        let volumes = match &kind {
            Some(kind) if kind.spec.volumes.is_some() => self.volumes(id).await?,
            _ => Vec::new(),
        };
        let carried = match &kind {
            Some(kind) if kind.spec.mounter().is_some() => carriers::carried(&self.store, id).await?,
            _ => Vec::new(),
        };
        let holders: HashMap<InstanceId, DirectorId> =
            instances.iter().filter_map(|row| Some((row.id, row.connected_to?))).collect();
        let seen = if instances.is_empty() { Vec::new() } else { self.cloud.inventory(&Scope::Service(id)).await? };
        let actions = match &kind {
            Some(kind) if kind.spec.has_tasks() => self.store.actions_open(id).await?,
            _ => Vec::new(),
        };
        let actions = actions.into_iter().map(open_action).collect();
        let instances = self.instances(instances, seen, works, moment).await;
        let instances = self.note_who_is_out_of_hearing(instances, &holders, moment).await?;
        let is_public = kind.as_ref().is_some_and(|kind| kind.spec.public.is_some());
        let entry = if is_public { self.entry(&row, kind.as_deref(), &instances).await? } else { Entry::default() };
        let routes = match &kind {
            Some(kind) if kind.spec.receives_routes && row.desired == DesiredState::Running => {
                let sources = self.store.route_sources(&routes::public_kinds(&self.kinds)).await?;
                routes::routes(&sources, &self.kinds, &self.settings.domain)
            }
            _ => Vec::new(),
        };
        let last_in_application = row.desired == DesiredState::Deleted
            && instances.is_empty()
            && self.store.service_list(application.id).await?.len() <= 1;
        let places = kind.as_ref().map_or(0, |kind| place(&kind.spec, &row.counts).len());
        let places = places + usize::try_from(row.slots_kept).unwrap_or(0);
        let subject = Subject {
            service: id,
            application: application.id,
            owner: owner.id,
            size: kind.as_ref().map_or_else(String::new, |kind| kind.spec.size.name.clone()),
            kind: kind.clone(),
            entry: entry.service,
        };
        let world = World {
            now: moment.now,
            watching_since: moment.watching_since,
            image: kind.as_ref().map_or(Image::Unknown, |kind| images.state(kind, moment)),
            kind,
            instances,
            versions: versions.into_iter().map(version).collect(),
            routes,
            entry,
            queued,
            actions,
            operation: operation
                .filter(|operation| !operation.state.is_final())
                .map(|open| OpenOperation { progress: open.progress, created_at: moment.of(open.created_at) }),
            fresh: (0..places).map(|_| InstanceId::generate()).collect(),
            last_in_application,
            settings: self.settings.clone(),
            service: Service { volumes, carried, ..service(row, &application, uses, moment) },
        };
        Ok(Some((world, subject)))
    }

    /// The volumes of its application that a service has.
    async fn volumes(&self, id: ServiceId) -> Result<Vec<Attached>, PassError> {
        let attachments = self.store.attachments_of_service(id).await?;
        if attachments.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = attachments.iter().map(|attachment| attachment.volume_id).collect();
        let rows = self.store.volumes_fetch(&ids).await?;
        let mut places = carriers::places(&self.store, &self.kinds, &self.settings.installation, &rows).await?;
        let attached =
            attachments.into_iter().filter_map(|AttachmentRow { volume_id: id, path, read_only, .. }| {
                Some(Attached { id, path, read_only, place: places.remove(&id)? })
            });
        Ok(attached.collect())
    }

    async fn instances(
        &self,
        rows: Vec<InstanceRow>,
        seen: Vec<Observed>,
        works: HashMap<InstanceId, Work>,
        moment: &Moment,
    ) -> Vec<Instance> {
        let mut seen: HashMap<InstanceId, Observed> = seen.into_iter().map(|seen| (seen.instance, seen)).collect();
        let mut instances = Vec::with_capacity(rows.len());
        for row in rows {
            let observed = seen.remove(&row.id);
            let work = works.get(&row.id).cloned().unwrap_or(Work::Idle);
            let mut last_output = String::new();
            if let Some(Observed { name, status: ContainerStatus::Exited { .. }, .. }) = &observed
                && row.wanted
                && work != Work::Busy
            {
                last_output = self.last_output(name).await;
            }
            instances.push(instance(row, observed, work, last_output, moment));
        }
        instances
    }

    /// Agents report to the director that they are connected to. While that one is frozen or cut off from the database,
    /// their silence is not theirs: replacing what runs well would be the harm that a second director is there to prevent.
    async fn note_who_is_out_of_hearing(
        &self,
        mut instances: Vec<Instance>,
        holders: &HashMap<InstanceId, DirectorId>,
        moment: &Moment,
    ) -> Result<Vec<Instance>, PassError> {
        let elsewhere = |row: &Instance| holders.get(&row.id).is_some_and(|holder| *holder != self.director);
        let is_late = |row: &Instance| row.report_at.is_some_and(|at| moment.now - at > LATE);
        if !instances.iter().any(|row| elsewhere(row) && is_late(row)) {
            return Ok(instances);
        }
        let (known, alive) =
            tokio::try_join!(self.store.director_count(DEAD), self.store.director_count_hearing(LATE))?;
        for row in &mut instances {
            row.out_of_hearing = alive < known && elsewhere(row);
        }
        Ok(instances)
    }

    async fn last_output(&self, name: &str) -> String {
        let lines = self.cloud.logs(name, LogsFrom { tail: Some(LAST_LINES), ..LogsFrom::default() });
        let lines = lines.filter_map(|line| async move { line.ok() }).map(|line| {
            let TaggedLine { tag, text } = TaggedLine::parse(&line.text);
            format!("{}: {text}", tag.role)
        });
        let lines = tokio::time::timeout(LAST_LINES_WAIT, lines.collect::<Vec<_>>()).await;
        lines.unwrap_or_default().join("\n")
    }

    /// The entry; its instances only when something waits for what it knows.
    async fn entry(&self, row: &ServiceRow, kind: Option<&Kind>, instances: &[Instance]) -> Result<Entry, PassError> {
        let Some(entry) = self.entry_service().await? else { return Ok(Entry::default()) };
        let public = kind.and_then(|kind| kind.spec.public.as_ref());
        let drains = |instance: &Instance| {
            let mut roles = instance.roles.iter();
            roles.any(|r| r.phase == RolePhase::Draining && public.is_some_and(|public| public.role == r.name))
        };
        let leaves = row.desired != DesiredState::Running && !instances.is_empty();
        let arrives = row.desired == DesiredState::Running
            && (row.state != ServiceState::Running || row.observed_generation != row.generation);
        if !leaves && !arrives && !instances.iter().any(drains) {
            return Ok(Entry { service: Some(entry), instances: Vec::new() });
        }
        let rows = self.store.instances_of_services(&[entry]).await?;
        let mut instances = Vec::new();
        for row in rows.into_iter().filter(|row| row.wanted && row.container_status == "running") {
            let config = self.entry_configs.of(&self.store, row.id, row.config_generation).await?;
            // Of this very configuration: it may be newer than the row.
            let newest = config.as_ref().map(|config| config.generation);
            let applied = row.report.zip(newest).is_some_and(|(report, newest)| report.applied_generation >= newest);
            instances.push(EntryInstance { config, applied });
        }
        Ok(Entry { service: Some(entry), instances })
    }

    async fn entry_service(&self) -> Result<Option<ServiceId>, PassError> {
        let known = *self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() {
            return Ok(known);
        }
        let kinds: Vec<KindName> =
            self.kinds.iter().filter(|kind| kind.spec.receives_routes).map(|kind| kind.spec.name.clone()).collect();
        if kinds.is_empty() {
            return Ok(None);
        }
        let found = self.store.route_sources(&kinds).await?.first().map(|source| source.service_id);
        *self.entry.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(found)
    }
}

fn service(row: ServiceRow, application: &ApplicationRow, uses: Uses, moment: &Moment) -> Service {
    let mut variables = uses.variables;
    variables.extend(row.variables.into_iter().map(|(name, variable)| (name, variable.value)));
    Service {
        id: row.id,
        name: row.name.to_string(),
        application_id: application.id,
        application: application.name.to_string(),
        network_index: i32::try_from(application.network_index).unwrap_or(i32::MAX),
        desired: row.desired,
        generation: row.generation,
        counts: row.counts,
        settings: row.settings,
        secrets: uses.secrets,
        variables,
        bindings: uses.bindings,
        awaited: uses.awaited,
        leaving: uses.leaving,
        active: row.active_version_id,
        status: Status {
            state: row.state,
            reason: row.reason,
            observed_generation: row.observed_generation,
            failures: u32::try_from(row.failures).unwrap_or(0),
        },
        state_since: moment.of(row.state_since),
        serving: row.serving_version_id,
        previous: row.previous_version_id,
        slots_kept: u32::try_from(row.slots_kept).unwrap_or(0),
        volumes: Vec::new(),
        carried: Vec::new(),
        restart_generation: row.restart_generation,
        restarting: uses.restarting,
    }
}

fn open_action(row: OpenActionRow) -> OpenAction {
    let OpenActionRow { run_id, action, values, instance_id, role, life, state, .. } = row;
    OpenAction { run: run_id, action, values, instance: instance_id, role, life, state }
}

fn version(row: VersionRow) -> Version {
    Version {
        spec: CodeVersionSpec {
            id: row.id,
            digest: row.normalised_digest,
            size_bytes: u64::try_from(row.normalised_bytes).unwrap_or(0),
        },
        number: row.number,
        checked: row.check_ok.is_some(),
    }
}

fn instance(row: InstanceRow, seen: Option<Observed>, work: Work, last_output: String, moment: &Moment) -> Instance {
    Instance {
        id: row.id,
        short: row.short,
        auxiliary: row.auxiliary,
        wanted: row.wanted,
        roles: row
            .roles
            .into_iter()
            .map(|row| {
                let since = moment.of(row.since);
                // a deadline moves with the moment from which it counts
                let drain_until = row.drain_until.map(|until| until + (since - row.since));
                Role { name: row.role, phase: row.phase, since, drain_until }
            })
            .collect(),
        // one that cannot be read (an older release wrote it) counts as not decided
        container: row.container.and_then(|value| serde_json::from_value(value).ok()),
        address: row.address,
        status: row.container_status,
        config: row.config.map(Arc::new),
        config_generation: row.config_generation,
        report: row.report,
        report_at: row.report_at.map(|at| moment.of(at)),
        connected: row.connected_to.is_some(),
        out_of_hearing: false,
        created_at: moment.of(row.created_at),
        metered: row.healthy_at.is_some(),
        seen: seen.map(|seen| Seen {
            status: seen.status,
            address: seen.address.map(|address| address.to_string()),
            created_at: seen.created_at.map(|at| moment.of(at)),
        }),
        work,
        last_output,
        slot: row.slot.and_then(|slot| u32::try_from(slot).ok()),
        generation: row.generation,
    }
}
