//! Steps that write rows, with the manager's log and the events that tell of them.

use super::{Executor, PassError, Subject};
use crate::{
    kept_logs,
    step::{Level, Line, Step},
    world::{Role, Status},
};
use aerie_crash_points::{self as crash_points, Point};
use aerie_domain::{InstanceId, RolePhase, views::EventKind};
use aerie_store::{InstanceRole, Lease, LogLevel, NewEvent, NewInstance, ServiceStatus, StoreError, Txn};
use std::collections::BTreeSet;

/// What has changed, for those who watch.
#[derive(Default)]
struct Changes {
    service: bool,
    operation: bool,
    instances: BTreeSet<InstanceId>,
}

impl Executor {
    /// Writes rows and log lines in one transaction under the lease.
    pub(super) async fn write(
        &self,
        subject: &Subject,
        lease: &Lease,
        steps: &[Step],
        lines: &[Line],
    ) -> Result<(), PassError> {
        let mut log_bytes = Vec::new();
        for step in steps {
            if let Step::Retire(id) = step {
                log_bytes.push((*id, kept_logs::size(&self.settings.log_dir, subject.service, *id).await));
            }
        }
        let mut changes = Changes::default();
        let mut txn = self.store.begin_fenced(lease).await?;
        for step in steps {
            write_step(&mut txn, subject, step, &log_bytes, &mut changes).await?;
        }
        for line in lines {
            txn.manager_log_append(subject.service, level(line.level), &line.text).await?;
        }
        tell(&mut txn, subject, &changes).await?;
        txn.commit().await?;
        steps.iter().for_each(crash_after);
        for (id, _) in log_bytes {
            self.works.forget(subject.service, id);
        }
        Ok(())
    }

    /// Removes the service's row, and the application's if it was waiting for that. Whoever waits for the operation finds
    /// the service gone when that is done.
    pub(super) async fn delete(&self, subject: &Subject, lease: &Lease, generation: i64) -> Result<(), PassError> {
        let mut txn = self.store.begin_fenced(lease).await?;
        let ended = txn.operations_finish(subject.service, generation).await? > 0;
        let application_gone = txn.service_delete(subject.service).await?;
        if let Some(entry) = subject.entry {
            txn.wake_service(entry).await?;
        }
        let changes = Changes { service: true, operation: ended, ..Changes::default() };
        tell(&mut txn, subject, &changes).await?;
        if application_gone {
            txn.event_append(&event(subject, EventKind::Application, None)).await?;
        }
        txn.commit().await?;
        Ok(())
    }
}

/// Where a crash leaves rows that the world does not know of yet.
fn crash_after(step: &Step) {
    match step {
        Step::Insert { .. } => crash_points::pass(Point::InstanceInserted),
        Step::SetConfig { .. } => crash_points::pass(Point::ConfigWritten),
        Step::Flip(_) => crash_points::pass(Point::VersionFlipped),
        Step::SetRoles { roles, .. } if roles.iter().any(|role| role.phase == RolePhase::Draining) => {
            crash_points::pass(Point::RoleDraining);
        }
        Step::SetRoles { wanted: false, .. } => crash_points::pass(Point::RoleEnded),
        _ => {}
    }
}

async fn write_step(
    txn: &mut Txn<'_>,
    subject: &Subject,
    step: &Step,
    log_bytes: &[(InstanceId, i64)],
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let service = subject.service;
    match step {
        Step::SetStatus(status) => {
            txn.service_set_status(service, &service_status(status)).await?;
            changes.service = true;
        }
        Step::KeepSlots(slots) => {
            txn.service_set_slots_kept(service, i32::try_from(*slots).unwrap_or(i32::MAX)).await?;
        }
        Step::Flip(version) => {
            txn.service_set_serving(service, *version).await?;
            changes.service = true;
        }
        Step::Insert { id, auxiliary, roles, slot } => {
            let instance = NewInstance {
                id: *id,
                service_id: service,
                auxiliary: *auxiliary,
                size: subject.size.clone(),
                roles: stored(roles),
                slot: slot.and_then(|slot| i32::try_from(slot).ok()),
            };
            txn.instance_insert(&instance).await?;
            changes.instances.insert(*id);
        }
        Step::SetRoles { id, roles, wanted } => {
            txn.instance_set_roles(*id, &stored(roles), *wanted).await?;
            changes.instances.insert(*id);
        }
        Step::SetConfig { id, config } => txn.instance_set_config(*id, config).await?,
        Step::SetContainer { id, spec } => {
            let value = serde_json::to_value(spec.as_ref())
                .map_err(|error| StoreError::Inconsistent { what: format!("container of {id}: {error}") })?;
            txn.instance_set_container(*id, &value).await?;
        }
        Step::SetObserved { id, address, status } => {
            txn.instance_set_observed(*id, address.as_deref(), status).await?;
            changes.instances.insert(*id);
        }
        Step::Meter { id, price_millis } => {
            txn.instance_set_healthy(*id, *price_millis).await?;
            changes.instances.insert(*id);
        }
        Step::SetCheck { version, ok, output } => {
            changes.service |= txn.version_set_check(*version, *ok, output).await?;
        }
        Step::SetResult { run, instance, state, code, message } => {
            changes.service |= txn.action_result_set(*run, *instance, *state, *code, message).await?;
        }
        Step::WakeUsersOfCarried => txn.wake_users_of_carried(service).await?,
        Step::Progress(text) => changes.operation |= txn.operations_progress(service, text).await? > 0,
        Step::Finish(generation) => changes.operation |= txn.operations_finish(service, *generation).await? > 0,
        Step::Fail { generation, error } => {
            changes.operation |= txn.operations_fail(service, *generation, error).await? > 0;
        }
        Step::Retire(id) => {
            let bytes = log_bytes.iter().find(|(other, _)| other == id).map_or(0, |(_, bytes)| *bytes);
            txn.instance_retire(*id, bytes).await?;
            changes.instances.insert(*id);
        }
        Step::WakeEntry(entry) => txn.wake_service(*entry).await?,
        // the others are the engine's
        _ => {}
    }
    Ok(())
}

async fn tell(txn: &mut Txn<'_>, subject: &Subject, changes: &Changes) -> Result<(), StoreError> {
    if changes.service {
        txn.event_append(&event(subject, EventKind::Service, None)).await?;
    }
    if changes.operation {
        txn.event_append(&event(subject, EventKind::Operation, None)).await?;
    }
    if !changes.instances.is_empty() {
        // one event, however many: readers fetch the whole service
        let only = changes.instances.first().copied().filter(|_| changes.instances.len() == 1);
        txn.event_append(&event(subject, EventKind::Instance, only)).await?;
    }
    Ok(())
}

fn event(subject: &Subject, kind: EventKind, instance: Option<InstanceId>) -> NewEvent {
    NewEvent {
        owner: Some(subject.owner),
        kind,
        application: Some(subject.application),
        service: Some(subject.service),
        instance,
    }
}

pub(crate) fn service_status(status: &Status) -> ServiceStatus {
    ServiceStatus {
        state: status.state,
        reason: status.reason.clone(),
        observed_generation: status.observed_generation,
        failures: i32::try_from(status.failures).unwrap_or(i32::MAX),
    }
}

fn stored(roles: &[Role]) -> Vec<InstanceRole> {
    roles
        .iter()
        .map(|role| InstanceRole {
            role: role.name.clone(),
            phase: role.phase,
            since: role.since,
            drain_until: role.drain_until,
        })
        .collect()
}

const fn level(level: Level) -> LogLevel {
    match level {
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}
