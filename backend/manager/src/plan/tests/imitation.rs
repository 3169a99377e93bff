//! Rows, an engine and agents in memory, just good enough for plans.

use crate::{
    names,
    plan::{Render, plan},
    settings::ManagerSettings,
    step::{Plan, Step},
    world::{
        Entry, EntryInstance, Image, Instance, OpenOperation, Role, Seen, Service, Status, Version, Work, World,
    },
};
use aerie_agent_protocol::{
    CodePlan, CodeVersionSpec, FileSpec, HealthProbe, InstanceConfig, InstanceReport, ProbeKind, ProcessReport,
    ProcessSpec, ReloadMethod,
};
use aerie_cloud::{ContainerSpec, ContainerStatus};
use aerie_domain::{
    ApplicationId, CodeVersionId, DesiredState, InstanceId, RoleName, RolePhase, ServiceId, ServiceState,
};
use aerie_kinds::{Kind, RenderContext};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Arc,
};
use time::{Duration, OffsetDateTime, macros::datetime};

const PHP: &str = r#"
name = "php"
title = "PHP"
summary = "s"
category = "web"
pack = ["proxy", "web", "php"]
drain_s = 5
public = { role = "proxy", port = 80 }
code = { default = "code", roles = ["web", "php"] }
size = { name = "small", cpu_millis = 500, memory_mib = 256, pids = 100, price_per_hour = 1000 }

[[roles]]
name = "proxy"
title = "Proxy"
summary = "s"
max = 5
uses = ["web"]
process = { command = ["haproxy"], reload = "restart", health = { kind = { type = "alive" }, interval_ms = 1, timeout_ms = 1, failures = 1 } }

[[roles]]
name = "web"
title = "Web"
summary = "s"
max = 5
uses = ["php"]
process = { command = ["nginx"], reload = "restart", health = { kind = { type = "alive" }, interval_ms = 1, timeout_ms = 1, failures = 1 } }

[[roles]]
name = "php"
title = "PHP"
summary = "s"
max = 5
uses = ["sessions"]
process = { command = ["php"], reload = "restart", health = { kind = { type = "alive" }, interval_ms = 1, timeout_ms = 1, failures = 1 } }

[[roles]]
name = "sessions"
title = "Sessions"
summary = "s"
max = 1
auxiliary = true
volume = { name = "sessions", path = "/data" }
process = { command = ["redis"], reload = "restart", health = { kind = { type = "alive" }, interval_ms = 1, timeout_ms = 1, failures = 1 } }
"#;

/// A kind with everything that the rules speak of.
pub(crate) fn php_kind() -> Kind {
    Kind {
        spec: toml::from_str(PHP).unwrap(),
        folder: "php".into(),
        image_digest: "0123456789abcdef".into(),
        icon: String::new(),
        files: BTreeMap::new(),
    }
}

pub(crate) fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

/// One file per role that names the members it uses and the version it serves.
pub(crate) struct Plain;

impl Render for Plain {
    fn render(&self, kind: &Kind, context: &RenderContext) -> Result<InstanceConfig, String> {
        let mut files = Vec::new();
        let mut processes = Vec::new();
        for spec in kind.spec.roles.iter().filter(|spec| context.roles.contains(&spec.name)) {
            let mut content = String::new();
            for used in &spec.uses {
                for member in &context.members[used] {
                    writeln!(content, "{used} {} {}", member.name, member.address).unwrap();
                }
            }
            if spec.name.as_str() == "proxy" {
                writeln!(content, "version {:?}", context.serving).unwrap();
            }
            files.push(FileSpec { path: spec.name.to_string(), content, mode: 0o640 });
            processes.push(ProcessSpec {
                role: spec.name.clone(),
                name: spec.name.to_string(),
                command: vec![],
                environment: BTreeMap::new(),
                files: vec![],
                check: vec![],
                reload: ReloadMethod::Restart,
                stop_signal: "TERM".into(),
                stop_timeout_s: 10,
                health: HealthProbe { kind: ProbeKind::Alive, interval_ms: 1, timeout_ms: 1, failures: 1 },
                streams: Default::default(),
            });
        }
        if context.settings.contains_key("broken") {
            return Err("line 1: no such setting".into());
        }
        Ok(InstanceConfig {
            generation: 0,
            instance: context.instance,
            files,
            code: CodePlan { versions: context.versions.clone(), check: vec![] },
            processes,
            init: vec![],
            environment: context.variables.clone(),
        })
    }
}

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
    pub containers: BTreeMap<InstanceId, Container>,
    /// Agents that do not answer.
    pub silent: BTreeSet<InstanceId>,
    /// Roles whose process never gets healthy.
    pub sick: BTreeSet<RoleName>,
    /// Attempts to run a container that fail.
    pub fail_runs: u32,
    /// Containers were ended from outside: fewer may serve than before.
    pub losses: bool,
    pub finished: Vec<i64>,
    pub failed: Vec<String>,
    pub deleted: bool,
    pub volumes: BTreeSet<String>,
    pub lines: Vec<String>,
    /// The entry's own idea of who serves; `None` without an entry.
    pub entry_told: Option<String>,
    entry_service: ServiceId,
    addresses: u32,
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
                variables: BTreeMap::new(),
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
            },
            kind: Some(Arc::new(php_kind())),
            instances: vec![],
            image: Image::Ready("aerie/php:1".into()),
            versions: vec![],
            routes: vec![],
            entry: Entry::default(),
            operation: None,
            fresh: vec![],
            last_in_application: true,
            settings: Arc::new(ManagerSettings::default()),
        };
        let mut imitation = Self {
            world,
            containers: BTreeMap::new(),
            silent: BTreeSet::new(),
            sick: BTreeSet::new(),
            fail_runs: 0,
            losses: false,
            finished: vec![],
            failed: vec![],
            deleted: false,
            volumes: BTreeSet::new(),
            lines: vec![],
            entry_told: None,
            entry_service: ServiceId(uuid::Uuid::from_u128(99)),
            addresses: 1,
            ids: 1000,
        };
        imitation.add_version(0);
        imitation
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
        self.world.operation =
            Some(OpenOperation { progress: String::new(), created_at: self.world.now });
    }

    pub fn scale(&mut self, proxy: u32, web: u32, php: u32) {
        self.ask(|service| {
            service.counts = [("proxy", proxy), ("web", web), ("php", php)].map(|(name, n)| (role(name), n)).into();
        });
    }

    pub fn state(&self) -> ServiceState {
        self.world.service.status.state
    }

    /// Plans, and does the first `limit` steps.
    pub fn pass(&mut self, limit: usize) -> Plan {
        self.look();
        let before = self.serving();
        let plan = plan(&self.world, &Plain);
        self.lines.extend(plan.lines.iter().map(|line| line.text.clone()));
        self.check_plan(&plan);
        for step in plan.steps.iter().take(limit) {
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
            let wanted = self.entry_wants();
            let file = |content: String| InstanceConfig {
                generation: 1,
                instance: InstanceId(uuid::Uuid::nil()),
                files: vec![FileSpec { path: "routes".into(), content, mode: 0o640 }],
                code: CodePlan::default(),
                processes: vec![],
                init: vec![],
                environment: BTreeMap::new(),
            };
            self.world.entry = Entry {
                service: Some(self.entry_service),
                instances: vec![EntryInstance {
                    applied: *told == wanted,
                    config: Some(Arc::new(file(wanted))),
                }],
            };
        }
    }

    /// Everybody who may be sent visitors.
    fn entry_wants(&self) -> String {
        if matches!(self.state(), ServiceState::Epilogue | ServiceState::Stopped | ServiceState::Init) {
            return String::new();
        }
        let serves = |i: &&Instance| i.wanted && i.roles.iter().any(|r| r.name.as_str() == "proxy" && r.phase == RolePhase::Serving);
        self.world.instances.iter().filter(serves).map(|i| i.short.clone() + "\n").collect()
    }

    /// Agents do what they were told and report it.
    pub fn agents(&mut self) {
        let now = self.world.now;
        let (silent, sick) = (self.silent.clone(), self.sick.clone());
        for row in &mut self.world.instances {
            let Some(container) = self.containers.get_mut(&row.id) else { continue };
            let runs = container.seen.status == ContainerStatus::Running;
            row.connected = runs && !silent.contains(&row.id);
            if !row.connected {
                continue;
            }
            let Some(config) = &row.config else { continue };
            let healthy = |role: &RoleName| !sick.contains(role);
            let all = config.processes.iter().all(|process| healthy(&process.role));
            if all {
                container.applied = Some(config.clone());
            }
            row.report_at = Some(now);
            row.report = Some(InstanceReport {
                applied_generation: container.applied.as_ref().map_or(0, |config| config.generation),
                target_generation: config.generation,
                processes: config.processes.iter().map(|process| ProcessReport {
                    role: process.role.clone(),
                    name: process.name.clone(),
                    healthy: healthy(&process.role),
                    restarts: 0,
                    message: if healthy(&process.role) { String::new() } else { "connection refused".into() },
                }).collect(),
                staged: config.code.versions.iter().map(|version| version.id).collect(),
                checks: vec![],
                problem: String::new(),
            });
        }
        if self.entry_told.is_some() {
            self.entry_told = Some(self.entry_wants());
        }
    }

    pub fn kill(&mut self, index: usize) {
        let id = self.world.instances[index].id;
        if let Some(container) = self.containers.get_mut(&id) {
            container.seen.status = ContainerStatus::Exited { code: 137, out_of_memory: false };
            container.applied = None;
        }
    }

    fn row(&mut self, id: InstanceId) -> &mut Instance {
        self.world.instances.iter_mut().find(|row| row.id == id).expect("a step names a row that exists")
    }

    fn apply(&mut self, step: &Step) {
        let now = self.world.now;
        match step.clone() {
            Step::SetStatus(status) => {
                if status.state != self.world.service.status.state {
                    self.world.service.state_since = now;
                }
                self.world.service.status = status;
            }
            Step::Flip(version) => {
                self.world.service.previous = self.world.service.serving;
                self.world.service.serving = Some(version);
            }
            Step::Insert { id, auxiliary, roles } => {
                self.world.fresh.retain(|fresh| *fresh != id);
                self.world.instances.push(new_row(id, auxiliary, roles, now));
            }
            Step::SetRoles { id, roles, wanted } => {
                let row = self.row(id);
                row.roles = roles;
                row.wanted &= wanted;
            }
            Step::SetConfig { id, config } => {
                let row = self.row(id);
                assert!(config.generation > row.config_generation, "generations grow");
                row.config_generation = config.generation;
                row.config = Some(Arc::from(config));
            }
            Step::SetContainer { id, spec } => self.row(id).container = Some(*spec),
            Step::SetObserved { id, address, status } => {
                let row = self.row(id);
                row.address = address;
                row.status = status;
            }
            Step::Meter { id, .. } => self.row(id).metered = true,
            Step::SetCheck { version, .. } => {
                let versions = self.world.versions.iter_mut();
                versions.filter(|v| v.spec.id == version).for_each(|v| v.checked = true);
            }
            Step::Progress(text) => {
                if let Some(operation) = &mut self.world.operation {
                    operation.progress = text;
                }
            }
            Step::Finish(generation) => {
                self.finished.push(generation);
                self.world.operation = None;
            }
            Step::Fail { error, .. } => {
                self.failed.push(error);
                self.world.operation = None;
            }
            Step::Retire(id) => {
                assert!(!self.containers.contains_key(&id), "a row outlives its container");
                self.world.instances.retain(|row| row.id != id);
            }
            Step::WakeEntry(_) | Step::BuildImage | Step::EnsureNetwork(_) => {}
            Step::EnsureVolume(volume) => {
                self.volumes.insert(volume.name);
            }
            Step::Run { id, spec, .. } => self.run(id, *spec),
            Step::Remove { id, .. } => {
                assert!(!self.row(id).wanted, "only condemned instances are removed");
                self.row(id).work = Work::Idle;
                self.containers.remove(&id);
            }
            Step::RemoveVolumes => self.volumes.clear(),
            Step::RemoveNetwork => assert!(self.containers.is_empty()),
            Step::Delete => {
                assert!(self.world.instances.is_empty());
                self.deleted = true;
            }
        }
    }

    fn run(&mut self, id: InstanceId, spec: ContainerSpec) {
        let now = self.world.now;
        assert_eq!(spec.name, names::container("aerie", self.world.service.id, id));
        for mount in &spec.volumes {
            assert!(self.volumes.contains(&mount.volume));
            let users = self.containers.iter().filter(|(other, c)| **other != id && c.spec.volumes.contains(mount));
            assert_eq!(users.count(), 0, "two containers share a volume");
        }
        if self.fail_runs > 0 {
            self.fail_runs -= 1;
            let attempts = match &self.row(id).work {
                Work::Failed { attempts, .. } => attempts + 1,
                _ => 1,
            };
            self.row(id).work = Work::Failed {
                reason: "no".into(),
                attempts,
                retry_at: now + Duration::seconds(1),
                hopeless: false,
            };
            return;
        }
        self.addresses += 1;
        let address = format!("10.208.3.{}", self.addresses);
        let seen = Seen { status: ContainerStatus::Running, address: Some(address.clone()), created_at: Some(now) };
        self.containers.insert(id, Container { seen, spec, applied: None });
        let row = self.row(id);
        row.work = Work::Idle;
        row.status = "running".into();
        row.address = Some(address);
    }

    /// How many others may be told of, per role.
    pub fn serving(&self) -> BTreeMap<RoleName, usize> {
        let mut serving = BTreeMap::new();
        for row in &self.world.instances {
            let runs = self.containers.get(&row.id).is_some_and(|c| c.seen.status == ContainerStatus::Running);
            for role in row.roles.iter().filter(|r| runs && row.wanted && r.phase == RolePhase::Serving) {
                *serving.entry(role.name.clone()).or_insert(0) += 1;
            }
        }
        serving
    }

    /// Never fewer than wanted, unless there were fewer before.
    fn check_serving(&self, before: &BTreeMap<RoleName, usize>) {
        if self.world.service.desired != DesiredState::Running || !self.silent.is_empty() || self.losses {
            return;
        }
        let after = self.serving();
        for (role, before) in before {
            let wanted = self.world.service.counts.get(role).map_or(1, |n| *n as usize);
            let after = after.get(role).copied().unwrap_or(0);
            assert!(after >= wanted.min(*before), "{role}: {before} before, {after} after, {wanted} wanted");
        }
    }

    /// What holds of every plan.
    fn check_plan(&self, plan: &Plan) {
        let known = |id: &InstanceId| {
            self.world.instances.iter().any(|row| row.id == *id)
                || plan.steps.iter().any(|step| matches!(step, Step::Insert { id: new, .. } if new == id))
        };
        for step in &plan.steps {
            let id = match step {
                Step::SetRoles { id, .. } | Step::SetConfig { id, .. } | Step::SetContainer { id, .. }
                | Step::SetObserved { id, .. } | Step::Meter { id, .. } | Step::Run { id, .. }
                | Step::Remove { id, .. } | Step::Retire(id) => id,
                _ => continue,
            };
            assert!(known(id), "foreign instance in {step:?}");
        }
        let first_engine = plan.steps.iter().position(|step| !step.is_row()).unwrap_or(plan.steps.len());
        let deletes = plan.steps.iter().any(|step| *step == Step::Delete);
        assert!(deletes || plan.steps[first_engine..].iter().all(|step| !step.is_row()), "rows come first");
        assert!(plan.settled || plan.wake_at.is_some(), "an unsettled plan says when to look again");
    }

    /// No process that serves visitors is configured to use something that has ended.
    pub fn check_no_dangling(&self) {
        for (id, container) in &self.containers {
            let Some(row) = self.world.instances.iter().find(|row| row.id == *id) else { continue };
            let Some(applied) = &container.applied else { continue };
            for user in row.roles.iter().filter(|r| row.wanted && r.phase == RolePhase::Serving) {
                let Some(file) = applied.files.iter().find(|file| file.path == user.name.as_str()) else { continue };
                for line in file.content.lines().filter(|line| !line.starts_with("version")) {
                    let mut words = line.split(' ');
                    let (used, short) = (words.next().unwrap(), words.next().unwrap());
                    let fine = self.world.instances.iter().any(|other| {
                        other.short == short
                            && other.wanted
                            && self.containers.contains_key(&other.id)
                            && other.roles.iter().any(|r| r.name.as_str() == used && r.phase != RolePhase::Starting)
                    });
                    assert!(fine, "{} still sends to {line}", user.name);
                }
            }
        }
    }

    /// Role sets of all wanted instances.
    pub fn shapes(&self) -> Vec<String> {
        let words = |row: &Instance| row.roles.iter().map(|role| role.name.to_string()).collect::<Vec<_>>().join(" ");
        let mut shapes: Vec<String> = self.world.instances.iter().filter(|row| row.wanted).map(words).collect();
        shapes.sort();
        shapes
    }

    /// The plan of a fixpoint is empty, also much later.
    pub fn check_fixpoint(&mut self) {
        for _ in 0..3 {
            let plan = self.turn();
            assert_eq!(plan.steps, [], "{:?}", plan.lines);
            assert!(plan.settled);
            self.world.now += Duration::seconds(5);
        }
    }
}

fn new_row(id: InstanceId, auxiliary: bool, roles: Vec<Role>, now: OffsetDateTime) -> Instance {
    Instance {
        id,
        short: id.short(),
        auxiliary,
        wanted: true,
        roles,
        container: None,
        address: None,
        status: "absent".into(),
        config: None,
        config_generation: 0,
        report: None,
        report_at: None,
        connected: false,
        created_at: now,
        metered: false,
        seen: None,
        work: Work::Idle,
        last_output: String::new(),
    }
}
