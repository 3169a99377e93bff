//! What steps do to rows and containers, and what agents make of it.

use super::{Container, Imitation};
use crate::{
    names,
    step::Step,
    world::{Instance, Role, Seen, Task, Work},
};
use aerie_agent_protocol::{CheckReport, CodeVersionSpec, InstanceReport, ProcessReport};
use aerie_cloud::{ContainerSpec, ContainerStatus};
use aerie_domain::{DesiredState, InstanceId, LifeId, RoleName, RolePhase};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

impl Imitation {
    /// Agents do what they were told and report it.
    pub fn agents(&mut self) {
        let now = self.world.now;
        let (silent, sick) = (self.silent.clone(), self.sick.clone());
        let mut restarted = Vec::new();
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
                let before = container.applied.as_ref().map(|config| &config.environment);
                let works = row.wanted && row.roles.iter().any(|role| role.phase == RolePhase::Serving);
                if works && before.is_some_and(|before| *before != config.environment) {
                    restarted.push(row.id);
                }
                container.applied = Some(config.clone());
            }
            row.report_at = Some(now);
            row.report = Some(InstanceReport {
                applied_generation: container.applied.as_ref().map_or(0, |config| config.generation),
                target_generation: config.generation,
                processes: config
                    .processes
                    .iter()
                    .map(|process| ProcessReport {
                        role: process.role.clone(),
                        name: process.name.clone(),
                        healthy: healthy(&process.role),
                        restarts: 0,
                        message: if healthy(&process.role) { String::new() } else { "connection refused".into() },
                        note: self.note.clone(),
                        last_end: None,
                    })
                    .collect(),
                staged: config.code.versions.iter().map(|version| version.id).collect(),
                checks: if config.code.check.is_empty() {
                    vec![]
                } else {
                    config.code.versions.iter().map(fine).collect()
                },
                problem: String::new(),
                life: Some(life(&container.seen, row.id)),
                tasks: self.tasks.iter().filter(|task| config.tasks.iter().any(|t| t.id == task.id)).cloned().collect(),
                drained: config.drain.iter().filter(|_| all).map(|hook| hook.role.clone()).collect(),
            });
            let Some(slot) = row.slot.filter(|_| all) else { continue };
            if config.drain.is_empty() {
                self.undrained.insert(slot);
            } else {
                self.undrained.remove(&slot);
            }
        }
        self.check_restarted(&restarted);
        if self.entry_told.is_some() && !self.entry_sleeps {
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

    pub(super) fn apply(&mut self, step: &Step) {
        let now = self.world.now;
        match step.clone() {
            Step::SetStatus(status) => {
                if status.state != self.world.service.status.state {
                    self.world.service.state_since = now;
                }
                self.world.service.status = status;
            }
            Step::KeepSlots(slots) => self.world.service.slots_kept = slots,
            Step::Flip(version) => {
                self.world.service.previous = self.world.service.serving;
                self.world.service.serving = Some(version);
            }
            Step::Insert { id, auxiliary, roles, slot } => {
                self.world.fresh.retain(|fresh| *fresh != id);
                let taken = self.world.instances.iter().any(|row| slot.is_some() && row.slot == slot);
                assert!(!taken, "two instances in slot {slot:?}");
                let generation = self.world.service.generation;
                let row = Instance { generation, ..new_row(id, auxiliary, roles, slot, now) };
                self.world.instances.push(row);
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
            Step::SetResult { run, instance, state, .. } => {
                assert!(!state.is_final() || self.ended.insert((run, instance)), "a run ends once");
                for open in &mut self.world.actions {
                    if (open.run, open.instance) == (run, instance) {
                        open.state = state;
                    }
                }
                self.world.actions.retain(|open| !open.state.is_final());
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
            Step::WakeEntry(_) | Step::WakeUsersOfCarried | Step::BuildImage | Step::EnsureNetwork(_) => {}
            Step::EnsureVolume(volume) => {
                self.volumes.insert(volume.name);
            }
            Step::Run { id, spec, .. } => self.run(id, *spec),
            Step::Remove { id, .. } => {
                assert!(!self.row(id).wanted, "only condemned instances are removed");
                if let Some(slot) = self.row(id).slot.filter(|_| self.world.service.desired == DesiredState::Running) {
                    let slotted = self.world.kind.as_ref().and_then(|kind| kind.spec.slotted());
                    let hands_over = slotted.filter(|role| role.drain.is_some());
                    let wanted = hands_over.and_then(|role| self.world.service.counts.get(&role.name).copied());
                    let kept = wanted.is_none_or(|wanted| slot < wanted)
                        || !self.undrained.contains(&slot)
                        // one that was stopped and comes back to hand over
                        || slot < self.world.service.slots_kept;
                    assert!(kept, "slot {slot} is given up with its data");
                }
                self.row(id).work = Work::Idle;
                self.containers.remove(&id);
            }
            Step::RemoveVolumes => {
                assert_eq!(self.world.service.desired, DesiredState::Deleted, "data goes only with its service");
                self.volumes.retain(|volume| volume.contains("-volume-"));
            }
            Step::RemoveNetwork => assert!(self.containers.is_empty()),
            Step::Delete(generation) => {
                assert!(self.world.instances.is_empty());
                self.finished.push(generation);
                self.world.operation = None;
                self.deleted = true;
            }
        }
    }

    fn run(&mut self, id: InstanceId, spec: ContainerSpec) {
        let now = self.world.now;
        assert_eq!(spec.name, names::container("aerie", self.world.service.id, id));
        let slot = self.row(id).slot.unwrap_or(0);
        for mount in &spec.volumes {
            assert!(self.volumes.contains(&mount.volume));
            if mount.named.is_some() {
                continue;
            }
            assert_eq!(mount.volume.ends_with(&format!(".{slot}")), slot > 0, "data stays in its slot: {mount:?}");
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
                task: Task::Run,
                reason: "no".into(),
                attempts,
                retry_at: now + Duration::seconds(1),
                hopeless: false,
            };
            return;
        }
        // as real engines do: an address that has become free is the next to be given
        let taken: Vec<&str> = self.containers.values().filter_map(|other| other.seen.address.as_deref()).collect();
        let free = (2..).map(|last| format!("10.208.3.{last}"));
        let address = free.into_iter().find(|address| !taken.contains(&address.as_str())).expect("addresses");
        let seen = Seen { status: ContainerStatus::Running, address: Some(address.clone()), created_at: Some(now) };
        self.containers.insert(id, Container { seen, spec, applied: None });
        let row = self.row(id);
        row.work = Work::Idle;
        row.status = "running".into();
        row.address = Some(address);
    }
}

/// An agent lives as long as its container.
pub fn life(seen: &Seen, id: InstanceId) -> LifeId {
    let since = seen.created_at.map_or(0, OffsetDateTime::unix_timestamp_nanos);
    LifeId(uuid::Uuid::from_u128(id.0.as_u128() ^ since.unsigned_abs()))
}

fn new_row(id: InstanceId, auxiliary: bool, roles: Vec<Role>, slot: Option<u32>, now: OffsetDateTime) -> Instance {
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
        out_of_hearing: false,
        created_at: now,
        metered: false,
        seen: None,
        work: Work::Idle,
        last_output: String::new(),
        slot,
        generation: 0,
    }
}

/// What looking through a version comes to here.
fn fine(version: &CodeVersionSpec) -> CheckReport {
    CheckReport { version: version.id, ok: true, output: String::new() }
}
