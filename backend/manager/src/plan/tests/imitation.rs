//! Rows, an engine and agents in memory, just good enough for plans.

mod checks;
mod engine;
mod kind;

use crate::{
    plan::{KindFiles, Render, plan},
    settings::ManagerSettings,
    step::Plan,
    world::{
        Attached, Entry, EntryInstance, Image, Instance, OpenOperation, Seen, Service, Status, Version, VolumePlace,
        World,
    },
};
use aerie_agent_protocol::{CodePlan, CodeVersionSpec, FileSpec, InstanceConfig, TaskReport};
use aerie_cloud::ContainerSpec;
use aerie_domain::{
    ActionRunId, ApplicationId, CodeVersionId, DesiredState, InstanceId, RoleName, RolePhase, ServiceId, ServiceState,
    VolumeId,
};
use aerie_kinds::Kind;
pub(crate) use engine::life;
pub use kind::php_kind;
pub(crate) use kind::role;
use kind::{Plain, database_kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use time::{Duration, macros::datetime};

/// A container of the imitation.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub seen: Seen,
    pub spec: ContainerSpec,
    /// What its agent has applied.
    pub applied: Option<Arc<InstanceConfig>>,
}

/// Rows, engine and agents.
pub(crate) struct Imitation {
    pub world: World,
    pub render: Box<dyn Render>,
    pub containers: BTreeMap<InstanceId, Container>,
    /// Agents that do not answer.
    pub silent: BTreeSet<InstanceId>,
    /// Roles whose process never gets healthy.
    pub sick: BTreeSet<RoleName>,
    /// What healthy processes note.
    pub note: String,
    /// Attempts to run a container that fail.
    pub fail_runs: u32,
    /// Containers were ended from outside: fewer may serve than before.
    pub losses: bool,
    pub finished: Vec<i64>,
    pub failed: Vec<String>,
    pub deleted: bool,
    pub volumes: BTreeSet<String>,
    /// What agents tell of tasks that they have.
    pub tasks: Vec<TaskReport>,
    /// Runs of actions that have ended.
    pub ended: BTreeSet<(ActionRunId, InstanceId)>,
    /// Slots that have what others do not have.
    pub undrained: BTreeSet<u32>,
    pub lines: Vec<String>,
    /// The entry's own idea of who serves; `None` without an entry.
    pub entry_told: Option<String>,
    /// The entry's own manager has not looked yet: what the entry was told is what it shall know.
    pub entry_sleeps: bool,
    entry_service: ServiceId,
    ids: u128,
}

impl Imitation {
    /// A service that was created and never started; code version 0 is active.
    pub fn new() -> Self {
        let version = CodeVersionId(uuid::Uuid::from_u128(1));
        let counts = [("proxy", 1), ("web", 1), ("php", 1)].map(|(name, count)| (role(name), count));
        let now = datetime!(2026-05-01 10:00 UTC);
        let world = World {
            now,
            watching_since: now,
            service: Service {
                id: ServiceId(uuid::Uuid::from_u128(77)),
                name: "shop".into(),
                application_id: ApplicationId(uuid::Uuid::from_u128(88)),
                application: "blog".into(),
                network_index: 3,
                desired: DesiredState::Stopped,
                generation: 1,
                counts: counts.into(),
                settings: BTreeMap::new(),
                secrets: BTreeMap::new(),
                variables: BTreeMap::new(),
                bindings: BTreeMap::new(),
                awaited: vec![],
                leaving: vec![],
                active: Some(version),
                status: Status {
                    state: ServiceState::Init,
                    reason: String::new(),
                    observed_generation: 1,
                    failures: 0,
                },
                state_since: now,
                serving: None,
                previous: None,
                slots_kept: 0,
                volumes: vec![],
                carried: vec![],
                restart_generation: 0,
                restarting: vec![],
            },
            kind: Some(Arc::new(php_kind())),
            instances: vec![],
            image: Image::Ready("aerie/php:1".into()),
            versions: vec![],
            routes: vec![],
            entry: Entry::default(),
            operation: None,
            fresh: vec![],
            queued: None,
            actions: vec![],
            last_in_application: true,
            settings: Arc::new(ManagerSettings::default()),
        };
        let mut imitation = Self {
            world,
            render: Box::new(Plain),
            containers: BTreeMap::new(),
            silent: BTreeSet::new(),
            sick: BTreeSet::new(),
            note: String::new(),
            fail_runs: 0,
            losses: false,
            finished: vec![],
            failed: vec![],
            deleted: false,
            volumes: BTreeSet::new(),
            tasks: vec![],
            ended: BTreeSet::new(),
            undrained: BTreeSet::new(),
            lines: vec![],
            entry_told: None,
            entry_sleeps: false,
            entry_service: ServiceId(uuid::Uuid::from_u128(99)),
            ids: 1000,
        };
        imitation.add_version(0);
        imitation
    }

    /// One of a kind that is shipped, with its own files.
    pub fn of(kind: Arc<Kind>) -> Self {
        let mut imitation = Self::new();
        let spec = &kind.spec;
        let service = &mut imitation.world.service;
        service.counts = spec.roles.iter().filter(|r| !r.auxiliary).map(|r| (r.name.clone(), r.min)).collect();
        service.settings = spec.settings.iter().map(|s| (s.name.clone(), s.default.clone())).collect();
        service.secrets = spec.secrets.iter().map(|s| (s.name.clone(), "secret".to_owned())).collect();
        if spec.code.is_none() {
            service.active = None;
            imitation.world.versions.clear();
        }
        imitation.render = Box::new(KindFiles);
        imitation.world.kind = Some(kind);
        imitation
    }

    /// One whose data is on several instances; never started.
    pub fn database() -> Self {
        let mut imitation = Self::of(Arc::new(database_kind()));
        imitation.render = Box::new(Plain);
        imitation
    }

    /// Asks for so many fronts and servers of a [`database`](Self::database).
    pub fn scale_database(&mut self, front: u32, data: u32) {
        self.ask(|service| service.counts = [("front", front), ("data", data)].map(|(name, n)| (role(name), n)).into());
    }

    /// One that runs.
    pub fn running() -> Self {
        let mut imitation = Self::new();
        imitation.ask(|service| service.desired = DesiredState::Running);
        imitation.settle();
        imitation
    }

    /// With a public entry that has to be told.
    pub fn with_entry(mut self) -> Self {
        self.entry_told = Some(String::new());
        self
    }

    pub fn add_version(&mut self, number: i32) -> CodeVersionId {
        let id = CodeVersionId(uuid::Uuid::from_u128(u128::try_from(number).unwrap() + 1));
        let spec = CodeVersionSpec { id, digest: format!("d{number}"), size_bytes: 1 };
        self.world.versions.push(Version { spec, number, checked: false });
        id
    }

    /// Somebody changes the intent.
    pub fn ask(&mut self, change: impl FnOnce(&mut Service)) {
        change(&mut self.world.service);
        self.world.service.generation += 1;
        self.world.operation = Some(OpenOperation { progress: String::new(), created_at: self.world.now });
    }

    pub fn scale(&mut self, proxy: u32, web: u32, php: u32) {
        self.ask(|service| {
            service.counts = [("proxy", proxy), ("web", web), ("php", php)].map(|(name, n)| (role(name), n)).into();
        });
    }

    /// Sets a variable of the user's: processes read it when they start.
    pub fn set_variable(&mut self, value: u32) {
        self.ask(|service| {
            service.variables.insert("COLOUR".to_owned(), value.to_string());
        });
    }

    /// Gives it a volume of its application, to write or only to read, or none.
    pub fn attach(&mut self, read_only: Option<bool>) {
        let id = VolumeId(uuid::Uuid::from_u128(55));
        let attached =
            read_only.map(|read_only| Attached { id, path: "/data/files".into(), read_only, place: VolumePlace::Host });
        self.ask(|service| service.volumes = attached.into_iter().collect());
    }

    /// Where the content of that volume lies.
    pub fn lies(&mut self, place: &VolumePlace) {
        for volume in &mut self.world.service.volumes {
            volume.place = place.clone();
        }
    }

    /// The volumes of its application that its containers have, and whether they can only be read.
    pub fn attached(&self) -> BTreeSet<(InstanceId, bool)> {
        let named = |(id, container): (&InstanceId, &Container)| {
            let named: Vec<_> = container.spec.volumes.iter().filter(|mount| mount.named.is_some()).collect();
            named.first().map(|mount| (*id, mount.read_only))
        };
        self.containers.iter().filter_map(named).collect()
    }

    /// Asks for new instances.
    pub fn restart(&mut self) {
        self.ask(|_| ());
        self.world.service.restart_generation = self.world.service.generation;
    }

    /// Whether everything that runs was started as it is wanted now.
    pub fn is_new(&self) -> bool {
        let service = &self.world.service;
        let read_only = service.volumes.first().map(|volume| volume.read_only);
        let attached = self.attached();
        self.world.instances.iter().filter(|row| !row.auxiliary).all(|row| {
            let has = attached.iter().find(|(id, _)| *id == row.id).map(|(_, read_only)| *read_only);
            let wants = row.roles.iter().any(|role| role.name.as_str() == "php").then_some(read_only).flatten();
            if has != wants {
                return false;
            }
            let told = self.containers.get(&row.id).and_then(|container| container.applied.as_ref());
            row.generation >= service.restart_generation
                && told.is_some_and(|config| config.environment == service.variables)
        })
    }

    pub fn state(&self) -> ServiceState {
        self.world.service.status.state
    }

    /// Plans, and does the first `limit` steps.
    pub fn pass(&mut self, limit: usize) -> Plan {
        self.pass_until(|_| limit)
    }

    /// A pass of a director that dies after its rows, which are one transaction, and so many steps of the engine.
    pub fn pass_killed(&mut self, engine: usize) -> Plan {
        self.pass_until(|plan| plan.steps.iter().take_while(|step| step.is_row()).count().saturating_add(engine))
    }

    fn pass_until(&mut self, limit: impl FnOnce(&Plan) -> usize) -> Plan {
        self.look();
        let before = self.serving();
        let plan = plan(&self.world, self.render.as_ref());
        self.lines.extend(plan.lines.iter().map(|line| line.text.clone()));
        self.check_plan(&plan);
        for step in plan.steps.iter().take(limit(&plan)) {
            self.apply(step);
        }
        self.check_serving(&before);
        plan
    }

    /// One whole pass after the agents did what they were told.
    pub fn turn(&mut self) -> Plan {
        self.agents();
        self.pass(usize::MAX)
    }

    /// Goes on until a plan has nothing to do; the time jumps to whatever is waited for.
    pub fn settle(&mut self) -> usize {
        for passes in 0..400 {
            let plan = self.turn();
            if self.deleted || (plan.settled && plan.steps.is_empty()) {
                return passes;
            }
            if plan.steps.is_empty() {
                let until = plan.wake_at.expect("an unsettled plan says when to look again");
                self.world.now = until.max(self.world.now + Duration::milliseconds(10));
            } else {
                self.world.now += Duration::milliseconds(10);
            }
        }
        panic!(
            "no fixpoint: {:?} {}\n{:#?}",
            self.world.service.status,
            self.lines[self.lines.len().saturating_sub(30)..].join("\n"),
            self.world.instances.iter().map(|i| (&i.short, i.wanted, &i.roles, &i.status)).collect::<Vec<_>>()
        );
    }

    /// The inventory.
    pub fn look(&mut self) {
        for _ in self.world.fresh.len()..30 {
            self.ids += 1;
            self.world.fresh.push(InstanceId(uuid::Uuid::from_u128(self.ids)));
        }
        for row in &mut self.world.instances {
            row.seen = self.containers.get(&row.id).map(|container| container.seen.clone());
        }
        if let Some(told) = &self.entry_told {
            let wanted = if self.entry_sleeps { told.clone() } else { self.entry_wants() };
            let file = |content: String| InstanceConfig {
                generation: 1,
                instance: InstanceId(uuid::Uuid::nil()),
                files: vec![FileSpec { path: "routes".into(), content, mode: 0o640 }],
                code: CodePlan::default(),
                processes: vec![],
                init: vec![],
                environment: BTreeMap::new(),
                tasks: Vec::new(),
                drain: Vec::new(),
            };
            self.world.entry = Entry {
                service: Some(self.entry_service),
                instances: vec![EntryInstance { applied: *told == wanted, config: Some(Arc::new(file(wanted))) }],
            };
        }
    }

    /// Everybody who may be sent visitors.
    fn entry_wants(&self) -> String {
        if matches!(self.state(), ServiceState::Epilogue | ServiceState::Stopped | ServiceState::Init) {
            return String::new();
        }
        let serves = |i: &&Instance| {
            i.wanted && i.roles.iter().any(|r| r.name.as_str() == "proxy" && r.phase == RolePhase::Serving)
        };
        let line = |i: &Instance| format!("{} {}:8080\n", i.short, i.address.as_deref().unwrap_or_default());
        self.world.instances.iter().filter(serves).map(line).collect()
    }
}
