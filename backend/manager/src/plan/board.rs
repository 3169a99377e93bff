//! What the rules work on: a copy of the instances' roles that they change, compared with the rows at the end.

use crate::{
    step::{Level, Plan},
    world::{Instance, Role, Work, World},
};
use aerie_agent_protocol::{CodeVersionSpec, InstanceConfig};
use aerie_domain::{CodeVersionId, InstanceId, RoleName, RolePhase};
use aerie_kinds::{Kind, KindSpec, RoleSpec};
use std::{collections::BTreeMap, sync::Arc};

/// A plan in the making.
pub(super) struct Board<'w> {
    pub world: &'w World,
    pub kind: &'w Kind,
    /// Wanted instances, oldest first, new ones last. Condemned ones stay in the world only.
    pub drafts: Vec<Draft<'w>>,
    pub code: Code,
    pub failures: u32,
    pub troubles: Vec<Trouble>,
    /// What happens, for those who wait.
    pub doing: Vec<String>,
    /// Steps for the engine, in their order.
    pub plan: Plan,
    /// Something others know of this service's public role changes.
    pub wake_entry: bool,
    /// Rules added places that cannot be filled yet.
    pub waiting_placements: usize,
    /// Something waits for the kind's image.
    pub wants_image: bool,
    /// Services that have volumes which this one carries can get at them, or will get at them in another way.
    pub wake_users: bool,
}

/// An instance as it shall be.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read alone")]
pub(super) struct Draft<'w> {
    /// `None`: to be inserted.
    pub row: Option<&'w Instance>,
    pub id: InstanceId,
    pub short: String,
    pub auxiliary: bool,
    pub wanted: bool,
    pub roles: Vec<Role>,
    /// Differs from the row's, with its new generation.
    pub config: Option<Arc<InstanceConfig>>,
    /// Nothing else about it differs than its tasks.
    pub only_tasks: bool,
    /// Its agent starts over: what it reported before means nothing, so the next configuration gets a new generation.
    pub renew: bool,
    /// Its agent has been silent for too long.
    pub lost: bool,
    /// It has a place among the wanted ones.
    pub placed: bool,
    /// Which volume of the role with slots it has.
    pub slot: Option<u32>,
    /// Whether what its container was made from and its processes were started with is what is wanted now.
    pub age: Age,
    /// Its processes stay as they were started, whatever is wanted now.
    pub held: bool,
}

/// How what an instance was made from relates to what is wanted. Derived anew in each pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// The same, or what differs reaches it as it runs.
    Current,
    /// Its processes have to be started anew, where they are.
    Restarts,
    /// Another instance has to take its place.
    Outdated,
}

/// Which versions.
#[derive(Default)]
pub(super) struct Code {
    pub serving: Option<CodeVersionId>,
    pub flip: Option<CodeVersionId>,
    pub versions: Vec<CodeVersionSpec>,
}

/// Something that keeps the service from being as it shall be.
pub(super) struct Trouble {
    pub weight: Weight,
    pub text: String,
}

/// How bad that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Normal for a while.
    Waiting,
    /// It keeps failing.
    Failing,
    /// Trying again cannot help.
    Hopeless,
}

impl<'w> Board<'w> {
    pub fn new(world: &'w World, kind: &'w Kind) -> Self {
        let drafts = world.instances.iter().filter(|i| i.wanted).map(|row| Draft::of(row, world)).collect();
        Self {
            world,
            kind,
            drafts,
            code: Code::default(),
            failures: world.service.status.failures,
            troubles: Vec::new(),
            doing: Vec::new(),
            plan: Plan::default(),
            wake_entry: false,
            waiting_placements: 0,
            wants_image: false,
            wake_users: false,
        }
    }

    pub fn spec(&self) -> &'w KindSpec {
        &self.kind.spec
    }

    pub fn role(&self, name: &RoleName) -> Option<&'w RoleSpec> {
        self.kind.spec.roles.iter().find(|role| role.name == *name)
    }

    /// How many are wanted.
    pub fn count(&self, role: &RoleName) -> usize {
        match self.role(role) {
            Some(spec) if spec.auxiliary => 1,
            Some(_) => self.world.service.counts.get(role).copied().unwrap_or(0) as usize,
            None => 0,
        }
    }

    /// How many of each role are wanted.
    pub fn counts(&self) -> BTreeMap<RoleName, u32> {
        let count = |role: &RoleSpec| u32::try_from(self.count(&role.name)).unwrap_or(u32::MAX);
        self.spec().roles.iter().map(|role| (role.name.clone(), count(role))).collect()
    }

    /// How many slots the role that has them shall have.
    pub fn slots_wanted(&self) -> u32 {
        self.spec().slotted().map_or(1, |role| u32::try_from(self.count(&role.name)).unwrap_or(u32::MAX))
    }

    /// How many slots there are: those that are wanted, and higher ones until nobody holds them any more.
    pub fn slots(&self) -> u32 {
        let held = self.world.instances.iter().filter_map(|row| row.slot).max();
        held.map_or(0, |highest| highest + 1).max(self.slots_wanted())
    }

    /// The instance mounts volumes that the service carries.
    pub fn mounts(&self, draft: &Draft<'_>) -> bool {
        self.spec().mounter().is_some_and(|role| draft.phase(&role.name).is_some())
    }

    pub fn is_public(&self, role: &RoleName) -> bool {
        self.kind.spec.public.as_ref().is_some_and(|public| public.role == *role)
    }

    pub fn trouble(&mut self, weight: Weight, text: impl Into<String>) {
        self.troubles.push(Trouble { weight, text: text.into() });
    }

    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.plan.say(level, text);
    }

    /// How many serve a role well, per role.
    pub fn serving_counts(&self) -> BTreeMap<RoleName, usize> {
        let mut counts = BTreeMap::new();
        for draft in self.drafts.iter().filter(|d| d.is_running() && !d.lost) {
            for role in draft.roles.iter().filter(|role| role.phase == RolePhase::Serving) {
                *counts.entry(role.name.clone()).or_insert(0) += 1;
            }
        }
        counts
    }
}

impl<'w> Draft<'w> {
    fn of(row: &'w Instance, world: &World) -> Self {
        Self {
            row: Some(row),
            id: row.id,
            short: row.short.clone(),
            auxiliary: row.auxiliary,
            wanted: true,
            roles: row.roles.clone(),
            config: None,
            only_tasks: false,
            renew: false,
            lost: row.is_lost(world),
            placed: false,
            slot: row.slot,
            age: Age::Current,
            held: false,
        }
    }

    pub fn fresh(id: InstanceId, auxiliary: bool, roles: Vec<Role>, slot: Option<u32>) -> Self {
        Self {
            row: None,
            id,
            short: id.short(),
            auxiliary,
            wanted: true,
            roles,
            config: None,
            only_tasks: false,
            renew: false,
            lost: false,
            placed: true,
            slot,
            age: Age::Current,
            held: false,
        }
    }

    pub fn phase(&self, role: &RoleName) -> Option<RolePhase> {
        self.roles.iter().find(|r| r.name == *role).map(|r| r.phase)
    }

    pub fn serves(&self, role: &RoleName) -> bool {
        self.phase(role) == Some(RolePhase::Serving)
    }

    /// Roles that are not on their way out.
    pub fn live_roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.iter().filter(|r| r.phase != RolePhase::Draining).map(|r| &r.name)
    }

    pub fn is_running(&self) -> bool {
        self.wanted && self.row.is_some_and(Instance::is_running)
    }

    /// Its agent has brought about exactly what it shall.
    pub fn is_up_to_date(&self) -> bool {
        self.config.is_none() && self.row.is_some_and(Instance::has_applied)
    }

    pub fn is_busy(&self) -> bool {
        self.row.is_some_and(|row| row.work == Work::Busy)
    }

    pub fn address(&self, host_network: bool) -> Option<&str> {
        if host_network {
            return Some("127.0.0.1");
        }
        self.row?.seen.as_ref()?.address.as_deref()
    }

    /// `PROXY WEB ab12cd34`, for people.
    pub fn label(&self) -> String {
        label(&self.roles, &self.short)
    }
}

/// `PROXY WEB ab12cd34`, for people.
pub(super) fn label(roles: &[Role], short: &str) -> String {
    let mut text = String::new();
    for role in roles {
        text.push_str(&role.name.as_str().to_uppercase());
        text.push(' ');
    }
    text + short
}
