//! Stopping and deleting, from any state.

use super::{actions, board::label, containers::dispose, draining::entry_forgot, emit::observed};
use crate::{
    explain,
    step::{Level, Plan, Step},
    world::{Instance, Status, World},
};
use aerie_domain::{DesiredState, RolePhase, ServiceState};
use aerie_kinds::{Kind, RoleSpec};
use time::Duration;

/// How long containers wait for the entry to send visitors elsewhere. Longer: stopping takes longer when the entry is
/// dead; shorter: a busy entry still sends somebody to a container that is gone.
const ENTRY_PATIENCE: Duration = Duration::seconds(2);

/// How long something may keep an instance from being removed until requests are given up. The service goes on trying.
const GIVE_UP: Duration = Duration::seconds(120);

/// How long stopping may take in any case.
const AT_LAST: Duration = Duration::minutes(15);

/// How long a service waits for those that use it. Longer: one that is stuck holds up the others; shorter: a slow one loses
/// its database before it has ended.
const USERS_PATIENCE: Duration = Duration::seconds(60);

/// How often to look whether they are gone: their ends do not wake this manager. Longer: stopping takes longer.
const USERS_POLL: Duration = Duration::milliseconds(300);

/// How often to look whether the entry knows.
const ENTRY_POLL: Duration = Duration::milliseconds(100);

/// What has to be done to have no instances.
pub(super) fn plan(world: &World, kind: Option<&Kind>) -> Plan {
    let mut plan = Plan::default();
    actions::end_all(world, &mut plan);
    if world.instances.is_empty() {
        finish(world, &mut plan);
        return plan;
    }
    if waits_for_users(world, &mut plan) {
        return plan;
    }
    let status = &world.service.status;
    let told_at = if status.state == ServiceState::Epilogue { world.service.state_since } else { world.now };
    let told = is_told(world, kind) || world.now - told_at >= ENTRY_PATIENCE;
    if !told {
        plan.wake(world.now + ENTRY_POLL);
    }
    let mut engine = Vec::new();
    for row in &world.instances {
        if row.wanted {
            plan.say(Level::Info, format!("Stopping instance {}.", label(&row.roles, &row.short)));
            plan.steps.push(Step::SetRoles { id: row.id, roles: row.roles.clone(), wanted: false });
        }
        plan.steps.extend(observed(row));
        if told && !waits_for_other_slots(world, kind, row) {
            let (step, trouble) = dispose(row, world.now, kind);
            if let Some((text, retry_at)) = trouble {
                plan.wake(retry_at);
                reason(&mut plan, text);
            }
            match step {
                Some(step) if step.is_row() => plan.steps.push(step),
                Some(step) => engine.push(step),
                None => {}
            }
        }
    }
    let reason = plan.lines.iter().find(|line| line.level == Level::Warn).map(|line| line.text.clone());
    let reason = reason.unwrap_or_default();
    let ending = Status { state: ServiceState::Epilogue, reason: reason.clone(), ..status.clone() };
    plan.lines.retain(|line| line.level != Level::Warn || ending.reason != status.reason);
    if ending != *status {
        plan.steps.push(Step::SetStatus(ending));
    }
    if status.state != ServiceState::Epilogue {
        plan.steps.extend(world.entry.service.map(Step::WakeEntry));
    }
    progress(world, &mut plan, &reason);
    if plan.steps.iter().any(|step| matches!(step, Step::Retire(_))) {
        plan.wake(world.now);
    }
    plan.steps.extend(engine);
    plan.wake(world.now + Duration::seconds(1));
    plan
}

/// A service that is stopped together with those that use it stays until they are gone, but not for ever: one of them may
/// be stuck. One that is deleted goes at once.
fn waits_for_users(world: &World, plan: &mut Plan) -> bool {
    let (leaving, since) = (&world.service.leaving, world.operation.as_ref().map(|operation| operation.created_at));
    let waits = world.service.desired == DesiredState::Stopped
        && !leaving.is_empty()
        && world.instances.iter().all(|row| row.wanted)
        && since.is_some_and(|since| world.now - since < USERS_PATIENCE);
    if waits {
        let text = explain::waits_for_users(leaving);
        if world.operation.as_ref().is_some_and(|operation| operation.progress != text) {
            plan.steps.push(Step::Progress(text));
        }
        plan.wake(world.now + USERS_POLL);
    }
    waits
}

/// One slot after the other, the highest first: clusters may take two that leave at once for a failure, and the volume of
/// the first slot has everything in the end. Data that is deleted needs no order, nor do slots that are no cluster.
fn waits_for_other_slots(world: &World, kind: Option<&Kind>, row: &Instance) -> bool {
    world.service.desired == DesiredState::Stopped
        && row.slot.is_some()
        && kind.and_then(|kind| kind.spec.slotted()).is_none_or(RoleSpec::is_cluster)
        && world.instances.iter().any(|other| other.slot > row.slot)
}

fn reason(plan: &mut Plan, text: String) {
    plan.say(Level::Warn, text);
}

/// No visitor is sent here any more.
fn is_told(world: &World, kind: Option<&Kind>) -> bool {
    let Some(public) = kind.and_then(|kind| kind.spec.public.as_ref()) else { return true };
    let known = world.service.status.state == ServiceState::Epilogue;
    world
        .instances
        .iter()
        .filter(|row| row.is_running())
        .filter(|row| row.roles.iter().any(|r| r.name == public.role && r.phase != RolePhase::Starting))
        .all(|row| known && entry_forgot(&world.entry, row, world))
        || world.entry.instances.is_empty()
}

fn progress(world: &World, plan: &mut Plan, reason: &str) {
    let Some(operation) = &world.operation else { return };
    let since = operation.created_at.max(world.service.state_since);
    let generation = world.service.generation;
    if !reason.is_empty() && world.now - since > GIVE_UP {
        plan.steps.push(Step::Fail { generation, error: reason.to_owned() });
        return;
    }
    if world.now - operation.created_at > AT_LAST {
        let error = explain::overdue(AT_LAST.whole_minutes(), &operation.progress, reason);
        plan.steps.push(Step::Fail { generation, error });
        return;
    }
    let count = world.instances.len();
    let text = if count == 1 { "removing 1 instance".to_owned() } else { format!("removing {count} instances") };
    if operation.progress != text {
        plan.steps.push(Step::Progress(text));
    }
}

/// There is nothing left but rows.
fn finish(world: &World, plan: &mut Plan) {
    let service = &world.service;
    if service.desired == DesiredState::Deleted {
        plan.steps.push(Step::RemoveVolumes);
        if world.last_in_application {
            plan.steps.push(Step::RemoveNetwork);
        }
        plan.steps.push(Step::Delete(service.generation));
        plan.wake(world.now + Duration::seconds(1));
        return;
    }
    let state = if service.status.state == ServiceState::Init { ServiceState::Init } else { ServiceState::Stopped };
    let status = Status { state, reason: String::new(), observed_generation: service.generation, failures: 0 };
    if status != service.status {
        if state != service.status.state {
            plan.say(Level::Info, "Stopped. Data, code and settings are kept.");
            plan.steps.extend(world.entry.service.map(Step::WakeEntry));
        }
        plan.steps.push(Step::SetStatus(status));
    }
    if world.operation.is_some() {
        plan.steps.push(Step::Finish(service.generation));
    }
    plan.settled = true;
}
