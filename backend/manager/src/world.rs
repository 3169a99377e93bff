//! Everything a plan is made from: intent, the kind, our rows, what the engine shows, and the time.
//!
//! Built by `read` (the only place that does I/O for it), used by `plan`. Plain data, so that every hard case is a test.
//! To let a rule depend on something new: a field here, filled in `read`.

use crate::settings::ManagerSettings;
use aerie_agent_protocol::{CodeVersionSpec, InstanceConfig, InstanceReport};
use aerie_cloud::{ContainerSpec, ContainerStatus};
use aerie_domain::{
    ActionName, ActionRunId, ApplicationId, CodeVersionId, DesiredState, InstanceId, LifeId, RoleName, RolePhase,
    ServiceId, ServiceState, VolumeId, views::ActionState,
};
use aerie_kinds::{Bound, Carried, Kind, Route};
use std::{collections::BTreeMap, sync::Arc};
use time::OffsetDateTime;

/// All that is known when a plan is made.
#[derive(Debug, Clone)]
pub struct World {
    /// The time of this pass, by the database's clock; all other times here are never later by more than a moment.
    pub now: OffsetDateTime,
    /// Since when this process hears of agents without interruption: silence before that is our own deafness.
    pub watching_since: OffsetDateTime,
    /// Intent and status.
    pub service: Service,
    /// `None`: its folder is gone.
    pub kind: Option<Arc<Kind>>,
    /// Its instances, oldest first (ids made later sort later).
    pub instances: Vec<Instance>,
    /// The kind's image.
    pub image: Image,
    /// Its code versions.
    pub versions: Vec<Version>,
    /// Public routes of the whole installation; only for kinds that receive them.
    pub routes: Vec<Route>,
    /// The public entry; only for kinds with a public role.
    pub entry: Entry,
    /// Where in the queue for starts the first of its instances is, counted from 1.
    pub queued: Option<usize>,
    /// Presses of buttons that have not come to their end on some instance, oldest first.
    pub actions: Vec<OpenAction>,
    /// What somebody waits for.
    pub operation: Option<OpenOperation>,
    /// Ids for new instances. At least as many as the service may have.
    pub fresh: Vec<InstanceId>,
    /// No other service is in its application.
    pub last_in_application: bool,
    /// The installation.
    pub settings: Arc<ManagerSettings>,
}

/// Intent and status of a service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Id.
    pub id: ServiceId,
    /// Name.
    pub name: String,
    /// Its application.
    pub application_id: ApplicationId,
    /// The application's name.
    pub application: String,
    /// Picks the network's addresses.
    pub network_index: i32,
    /// What the owner wants.
    pub desired: DesiredState,
    /// Counts changes of intent.
    pub generation: i64,
    /// Role → count.
    pub counts: BTreeMap<RoleName, u32>,
    /// Setting → value.
    pub settings: BTreeMap<String, String>,
    /// Passwords that the platform made for it.
    pub secrets: BTreeMap<String, String>,
    /// Environment variables: of the services it uses, and of the owner, whose word counts more.
    pub variables: BTreeMap<String, String>,
    /// Services it uses, by the prefix of their variables.
    pub bindings: BTreeMap<String, Bound>,
    /// Names of services it uses that are being started: the first container waits for them.
    pub awaited: Vec<String>,
    /// Names of services that use it and are being stopped, too: it stays until they are gone.
    pub leaving: Vec<String>,
    /// The version the owner wants served.
    pub active: Option<CodeVersionId>,
    /// Status as it was last written.
    pub status: Status,
    /// Since when in that state.
    pub state_since: OffsetDateTime,
    /// The version visitors get.
    pub serving: Option<CodeVersionId>,
    /// The version they got before.
    pub previous: Option<CodeVersionId>,
    /// Slots from 0 whose volumes may have data that is nowhere else: for roles that hand over what they have.
    pub slots_kept: u32,
    /// Volumes of its application that it has.
    pub volumes: Vec<Attached>,
    /// Volumes whose content it keeps.
    pub carried: Vec<Carried>,
    /// Instances that were intended at an earlier generation are replaced.
    pub restart_generation: i64,
    /// Names of services it uses that are being restarted: their restart comes first.
    pub restarting: Vec<String>,
}

/// A volume of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Which.
    pub id: VolumeId,
    /// Where instances see it.
    pub path: String,
    /// They cannot write to it.
    pub read_only: bool,
    /// Where its content lies.
    pub place: VolumePlace,
}

/// Where the content of a volume lies, and how a container gets at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumePlace {
    /// On a volume of the container engine.
    Host,
    /// With a service whose mounter is this container.
    Carried(String),
    /// With a service of this name, which cannot be reached now.
    Away(String),
}

/// The part of a service's row that its manager writes with every change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// State.
    pub state: ServiceState,
    /// Why, in words for a student.
    pub reason: String,
    /// The generation that the world agrees with.
    pub observed_generation: i64,
    /// Containers that ended by themselves since the service was last well.
    pub failures: u32,
}

/// One instance: its row and what the engine shows of it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as in the row")]
#[derive(Debug, Clone)]
pub struct Instance {
    /// Id.
    pub id: InstanceId,
    /// Eight characters to call it by.
    pub short: String,
    /// Holds a helper role.
    pub auxiliary: bool,
    /// False is final.
    pub wanted: bool,
    /// Its roles.
    pub roles: Vec<Role>,
    /// What its container is made from, without its identity.
    pub container: Option<ContainerSpec>,
    /// Address, as last written.
    pub address: Option<String>,
    /// What its container does, as last written (see [`Seen::words`]).
    pub status: String,
    /// What its agent shall bring about.
    pub config: Option<Arc<InstanceConfig>>,
    /// Counts changes of it.
    pub config_generation: i64,
    /// The agent's last report.
    pub report: Option<InstanceReport>,
    /// When that came.
    pub report_at: Option<OffsetDateTime>,
    /// Some director has a connection to its agent.
    pub connected: bool,
    /// That is another director, and one is silent itself: then nobody can tell how the agent is.
    pub out_of_hearing: bool,
    /// When it was intended.
    pub created_at: OffsetDateTime,
    /// All its roles were healthy once.
    pub metered: bool,
    /// Its container; `None` when there is none.
    pub seen: Option<Seen>,
    /// What is being done to its container.
    pub work: Work,
    /// The last lines of its output; read only when it has ended by itself.
    pub last_output: String,
    /// Which volume of the role with slots it has; nothing without such a role.
    pub slot: Option<u32>,
    /// The generation of its service when it was intended.
    pub generation: i64,
}

/// A role of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Name.
    pub name: RoleName,
    /// Where it is.
    pub phase: RolePhase,
    /// Since when.
    pub since: OffsetDateTime,
    /// For draining: not to be ended before.
    pub drain_until: Option<OffsetDateTime>,
}

/// A container as the engine shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it does.
    pub status: ContainerStatus,
    /// Its address; `None` on the host's network.
    pub address: Option<String>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
}

/// What is being done to a container, in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Nothing.
    Idle,
    /// It is being made or removed.
    Busy,
    /// The last attempt failed.
    Failed {
        /// At what.
        task: Task,
        /// Why.
        reason: String,
        /// How often in a row.
        attempts: u32,
        /// Not to be tried before.
        retry_at: OffsetDateTime,
        /// Trying again cannot help.
        hopeless: bool,
    },
}

/// What is done to containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Make and start.
    Run,
    /// Remove.
    Remove,
}

/// The image of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// Not asked for yet.
    Unknown,
    /// There, under this name.
    Ready(String),
    /// Being built; the last line of progress.
    Building(String),
    /// Could not be built.
    Failed {
        /// Why.
        reason: String,
        /// Not to be tried before.
        retry_at: OffsetDateTime,
    },
}

/// A code version.
#[derive(Debug, Clone)]
pub struct Version {
    /// What agents fetch.
    pub spec: CodeVersionSpec,
    /// 0 is the kind's own.
    pub number: i32,
    /// Its check has a result.
    pub checked: bool,
}

/// The public entry, as far as other services need to know it.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Its service.
    pub service: Option<ServiceId>,
    /// Its running instances.
    pub instances: Vec<EntryInstance>,
}

/// An instance of the entry.
#[derive(Debug, Clone)]
pub struct EntryInstance {
    /// What its agent shall bring about.
    pub config: Option<Arc<InstanceConfig>>,
    /// Its agent has done so.
    pub applied: bool,
}

/// A press of a button that has not come to its end on an instance.
#[derive(Debug, Clone)]
pub struct OpenAction {
    /// Which press.
    pub run: ActionRunId,
    /// The action.
    pub action: ActionName,
    /// What was typed in.
    pub values: BTreeMap<String, String>,
    /// The instance.
    pub instance: InstanceId,
    /// As which of its roles.
    pub role: RoleName,
    /// The agent's life that shall run it.
    pub life: LifeId,
    /// Asked or running.
    pub state: ActionState,
}

/// An operation that has not ended.
#[derive(Debug, Clone)]
pub struct OpenOperation {
    /// Its progress text, as last written.
    pub progress: String,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

impl Seen {
    /// What is written to the instance's row.
    pub fn words(seen: Option<&Self>) -> String {
        match seen.map(|seen| seen.status) {
            None => "absent".to_owned(),
            Some(ContainerStatus::Created) => "created".to_owned(),
            Some(ContainerStatus::Running) => "running".to_owned(),
            Some(ContainerStatus::Exited { code, out_of_memory: false }) => format!("exited with code {code}"),
            Some(ContainerStatus::Exited { out_of_memory: true, .. }) => "exited: out of memory".to_owned(),
        }
    }
}

impl Instance {
    /// Its container runs.
    pub fn is_running(&self) -> bool {
        matches!(self.seen, Some(Seen { status: ContainerStatus::Running, .. }))
    }

    /// Its agent has brought about the configuration that is in the row.
    pub fn has_applied(&self) -> bool {
        self.config.is_some() && self.report.as_ref().is_some_and(|r| r.applied_generation >= self.config_generation)
    }

    /// Its agent has unpacked a version.
    pub fn has_staged(&self, version: CodeVersionId) -> bool {
        self.report.as_ref().is_some_and(|report| report.staged.contains(&version))
    }

    /// How long its agent has been silent, as far as we can tell.
    pub fn silent_for(&self, world: &World) -> time::Duration {
        // The engine's clock may be another one: what we intended a moment ago is not old, whatever it says.
        let made = self.seen.as_ref().and_then(|seen| seen.created_at).unwrap_or(self.created_at).max(self.created_at);
        let heard = self.report_at.unwrap_or(made).max(made).max(world.watching_since);
        world.now - heard
    }

    /// Its container runs, but its agent does not say anything.
    pub fn is_silent(&self, world: &World) -> bool {
        // An agent reports every 10 s. Shorter: a director's restart makes everything look lost. Longer: a hung
        // instance is noticed later.
        let patience = if self.connected { 35 } else { 15 };
        self.is_running() && self.work != Work::Busy && self.silent_for(world) > time::Duration::seconds(patience)
    }

    /// It has been silent for so long that another one shall take its place.
    pub fn is_lost(&self, world: &World) -> bool {
        !self.out_of_hearing && self.is_silent(world) && self.silent_for(world) > time::Duration::seconds(60)
    }
}
