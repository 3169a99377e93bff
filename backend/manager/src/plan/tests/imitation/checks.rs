//! What must hold, whatever happens.

use super::Imitation;
use crate::{
    step::{Plan, Step},
    world::Instance,
};
use aerie_cloud::ContainerStatus;
use aerie_domain::{DesiredState, InstanceId, RoleName, RolePhase};
use aerie_kinds::KindSpec;
use std::collections::BTreeMap;
use time::Duration;

impl Imitation {
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
    pub(super) fn check_serving(&self, before: &BTreeMap<RoleName, usize>) {
        if self.world.service.desired != DesiredState::Running || !self.silent.is_empty() || self.losses {
            return;
        }
        let after = self.serving();
        for (role, before) in before {
            let wanted = self.world.service.counts.get(role).map_or(1, |n| *n as usize);
            let after = after.get(role).copied().unwrap_or(0);
            let kind = self.world.kind.as_ref().map(|kind| &kind.spec);
            let slotted = kind.and_then(KindSpec::slotted);
            let beside = kind.is_some_and(|kind| slotted.is_some() && kind.pack.contains(role));
            if slotted.is_some_and(|slotted| slotted.name == *role) || beside {
                // a slot that moves is away for a while, with what is packed with it, but never the last one that others
                // could do without
                let floor = wanted.saturating_sub(1).max(1).min(wanted).min(before.saturating_sub(1));
                assert!(after >= floor, "{role}: {before} before, {after} after, {wanted} wanted");
                continue;
            }
            assert!(after >= wanted.min(*before), "{role}: {before} before, {after} after, {wanted} wanted");
        }
    }

    /// What holds of every plan.
    pub(super) fn check_plan(&self, plan: &Plan) {
        let known = |id: &InstanceId| {
            self.world.instances.iter().any(|row| row.id == *id)
                || plan.steps.iter().any(|step| matches!(step, Step::Insert { id: new, .. } if new == id))
        };
        for step in &plan.steps {
            let (Step::SetRoles { id, .. }
            | Step::SetConfig { id, .. }
            | Step::SetContainer { id, .. }
            | Step::SetObserved { id, .. }
            | Step::Meter { id, .. }
            | Step::Run { id, .. }
            | Step::Remove { id, .. }
            | Step::Retire(id)) = step
            else {
                continue;
            };
            assert!(known(id), "foreign instance in {step:?}");
        }
        let first_engine = plan.steps.iter().position(|step| !step.is_row()).unwrap_or(plan.steps.len());
        let deletes = plan.steps.iter().any(|step| matches!(step, Step::Delete(_)));
        assert!(deletes || plan.steps[first_engine..].iter().all(|step| !step.is_row()), "rows come first");
        assert!(
            plan.lines.is_empty() || !plan.steps.is_empty(),
            "the log tells only of what is done: {:?}",
            plan.lines
        );
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
                    let exists = self.world.instances.iter().any(|other| {
                        other.short == short
                            && other.wanted
                            && self.containers.contains_key(&other.id)
                            && other.roles.iter().any(|r| r.name.as_str() == used && r.phase != RolePhase::Starting)
                    });
                    assert!(exists, "{} of {} still sends to {line}: {}", user.name, row.short, self.story());
                }
            }
        }
    }

    /// Rows and the last lines, for failures.
    fn story(&self) -> String {
        let rows = self.world.instances.iter().map(|row| {
            let roles: Vec<String> = row.roles.iter().map(|role| format!("{} {}", role.name, role.phase)).collect();
            let generations = (row.config_generation, row.report.as_ref().map(|report| report.applied_generation));
            format!("{} wanted={} {} {generations:?}", row.short, row.wanted, roles.join(", "))
        });
        let lines = &self.lines[self.lines.len().saturating_sub(30)..];
        format!("\n{}\n{}", rows.collect::<Vec<_>>().join("\n"), lines.join("\n"))
    }

    /// Processes that others may use are started anew only where no second one can be beside them, one after the other.
    pub(super) fn check_restarted(&self, restarted: &[InstanceId]) {
        let Some(kind) = &self.world.kind else { return };
        let has_volume = |row: &&Instance| {
            let with = |role: &RoleName| kind.spec.roles.iter().any(|spec| spec.name == *role && spec.volume.is_some());
            row.roles.iter().any(|role| with(&role.name))
        };
        let rows: Vec<&Instance> = self.world.instances.iter().filter(|row| restarted.contains(&row.id)).collect();
        assert!(rows.iter().all(has_volume), "started anew while they serve: {restarted:?}{}", self.story());
        assert!(rows.len() <= 1, "started anew at the same time: {restarted:?}{}", self.story());
    }

    /// Slots of all instances whose row exists, in order.
    pub fn slots(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.world.instances.iter().filter_map(|row| row.slot).collect();
        slots.sort_unstable();
        slots
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
