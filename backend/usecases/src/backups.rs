//! Backups: what a service keeps, taken out of it by a script of its kind and put back by another one.
//!
//! A wish becomes a row in `backup_jobs`, of which a service has one at a time. `jobs` moves jobs on, step by step: each step is
//! a task of one instance, as for actions, with its input or output in a blob (`contents`). `rules` decides, without I/O, what
//! comes next. Nothing here waits for an instance.

mod contents;
mod jobs;
mod restore;
mod rules;
mod schedule;
mod upload;
mod view;

pub use contents::BackupOutput;

use crate::{Actor, Outcome, UseCases, actions::rules::Candidate};
use aerie_domain::{
    BackupId, BackupJobId, BackupJobKind, BackupState, BackupStep, BackupWhy, Problem, ProblemCode, ServiceId,
    ServiceName,
    views::{BackupView, BackupsView, EventKind},
};
use aerie_kinds::BackupSpec;
use aerie_store::{InstanceLite, NewBackup, NewBackupJob, ServiceRow, Txn};
use async_recursion::async_recursion as boxed;
use std::{path::PathBuf, time::Duration};
use time::OffsetDateTime;

/// Limits of backups.
#[derive(Debug, Clone)]
pub struct BackupLimits {
    /// Largest backup, bytes. Larger: more disk for each of them.
    pub max_bytes: u64,
    /// What schedules call an hour. Shorter only in tests, which cannot wait.
    pub hour: Duration,
}

impl Default for BackupLimits {
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024 * 1024, hour: Duration::from_hours(1) }
    }
}

/// Backups of one service, whatever they were made for. Larger: more disk.
const MAX_BACKUPS: i64 = 60;
/// Jobs of each kind that are remembered per service: the page shows the last restoration.
const KEEP_JOBS: i64 = 20;
/// Backups that were made before a restoration: so many are kept.
const KEEP_BEFORE_RESTORE: i64 = 5;
/// Backups that failed are kept, so that people see it; but not many of those that nobody asked for.
const KEEP_FAILED: i64 = 3;

impl UseCases {
    /// Everything about the backups of a service.
    #[boxed]
    pub async fn backups(&self, actor: &Actor, id: ServiceId) -> Outcome<BackupsView> {
        let (service, ..) = self.readable_service(actor, id).await?;
        let Some(spec) = &self.kind_of(&service.kind)?.spec.backup else { return Ok(BackupsView::default()) };
        let instances = self.store().instances_of_services(&[id]).await?;
        let job = self.store().backup_job_open(id).await?;
        let schedule = self.store().backup_schedule(id).await?;
        let (schedule, next_at) = schedule.unwrap_or_default();
        let ready = instance_for(spec, &instances).is_some();
        let obstacle = rules::obstacle(service.desired, job.as_ref().map(|job| job.kind), ready);
        Ok(BackupsView {
            possible: true,
            items: self.store().backup_list(id).await?.iter().map(view::backup).collect(),
            schedule,
            next_at,
            job: job.map(view::job),
            last_restore: self.store().backup_last_restore(id).await?.map(view::job),
            obstacle: obstacle.err().unwrap_or_default(),
            confirm: service.name.to_string(),
            takes: spec.takes.clone(),
        })
    }

    /// One backup.
    #[boxed]
    pub async fn backup(&self, actor: &Actor, service: ServiceId, id: BackupId) -> Outcome<BackupView> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let row = self.store().backup_fetch(service.id, id).await?;
        row.as_ref().map(view::backup).ok_or_else(|| Problem::not_found("backup").into())
    }

    /// The contents of a backup and the name to save them under. For the owner alone, and not for tokens that may only read:
    /// there may be passwords among the data.
    #[boxed]
    pub async fn backup_file(&self, actor: &Actor, service: ServiceId, id: BackupId) -> Outcome<(PathBuf, String)> {
        let (service, ..) = self.owned_service(actor, service).await?;
        actor.may_write()?;
        let row = self.store().backup_fetch(service.id, id).await?.ok_or_else(|| Problem::not_found("backup"))?;
        match (row.state, row.digest) {
            (BackupState::Ready, Some(digest)) => Ok((self.blob_path(&digest), row.name)),
            (BackupState::Making, _) => Err(refused("This backup is still being made.").into()),
            _ => Err(refused("This backup failed and has no contents.").into()),
        }
    }

    /// Has a backup made.
    #[boxed]
    pub async fn make_backup(&self, actor: &Actor, id: ServiceId) -> Outcome<BackupView> {
        actor.may_write()?;
        let (service, ..) = self.owned_service(actor, id).await?;
        let spec = self.backup_spec(&service)?;
        self.require_room(0)?;
        let instances = self.store().instances_of_services(&[id]).await?;
        let now = self.store().database_now().await?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        self.ensure_may_begin(&mut txn, &row.service, spec, &instances).await?;
        ensure_few(&mut txn, id).await?;
        let backup = new_backup(&row.service, spec, BackupWhy::Asked, now, actor);
        txn.backup_insert(&backup).await?;
        let job = new_job(id, BackupJobKind::Backup, BackupStep::Dump, actor);
        txn.backup_job_insert(&NewBackupJob { backup_id: Some(backup.id), ..job }, KEEP_JOBS).await?;
        self.record(&mut txn, actor, "backup.make", &row, EventKind::Service).await?;
        txn.commit().await?;
        self.backup(actor, id, backup.id).await
    }

    /// Removes a backup for good.
    #[boxed]
    pub async fn delete_backup(&self, actor: &Actor, service: ServiceId, id: BackupId) -> Outcome<()> {
        actor.may_write()?;
        self.owned_service(actor, service).await?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, service).await?;
        txn.backup_fetch(service, id).await?.ok_or_else(|| Problem::not_found("backup"))?;
        let job = txn.backup_job_open(service).await?;
        if job.is_some_and(|job| [job.backup_id, job.source_id].contains(&Some(id))) {
            return Err(refused("This backup is being made, checked or put back. Wait until that has ended.").into());
        }
        txn.backup_delete(service, id).await?;
        self.record(&mut txn, actor, "backup.delete", &row, EventKind::Service).await?;
        Ok(txn.commit().await?)
    }

    /// How backups of the service are made.
    fn backup_spec(&self, service: &ServiceRow) -> Outcome<&BackupSpec> {
        let spec = self.kind_of(&service.kind)?.spec.backup.as_ref();
        spec.ok_or_else(|| refused("Services of this kind have no backups.").into())
    }

    /// Refuses a job while another one goes on, or when no instance could do it. Under the lock of the service's row.
    async fn ensure_may_begin(
        &self,
        txn: &mut Txn<'_>,
        service: &ServiceRow,
        spec: &BackupSpec,
        instances: &[InstanceLite],
    ) -> Outcome<()> {
        let job = txn.backup_job_open(service.id).await?;
        let ready = instance_for(spec, instances).is_some();
        Ok(rules::obstacle(service.desired, job.map(|job| job.kind), ready).map_err(refused)?)
    }
}

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::Conflict, detail)
}

async fn ensure_few(txn: &mut Txn<'_>, service: ServiceId) -> Outcome<()> {
    if txn.backup_count(service).await? < MAX_BACKUPS {
        return Ok(());
    }
    let detail = format!("A service keeps at most {MAX_BACKUPS} backups. Delete some that you no longer need.");
    Err(Problem::new(ProblemCode::LimitReached, detail).into())
}

/// The instance that would do it: the oldest one that serves the role.
fn instance_for<'a>(spec: &BackupSpec, instances: &'a [InstanceLite]) -> Option<Candidate<'a>> {
    instances.iter().filter_map(Candidate::of).find(|candidate| candidate.serves(&spec.role))
}

/// `shop-db-2026-11-21-1405.sql.gz`, in UTC.
fn file_name(service: &ServiceName, file: &str, at: OffsetDateTime) -> String {
    let (date, hour, minute) = (at.date(), at.hour(), at.minute());
    format!("{service}-{date}-{hour:02}{minute:02}.{file}")
}

fn new_backup(
    service: &ServiceRow,
    spec: &BackupSpec,
    why: BackupWhy,
    now: OffsetDateTime,
    actor: &Actor,
) -> NewBackup {
    NewBackup {
        id: BackupId::generate(),
        service_id: service.id,
        name: file_name(&service.name, &spec.file, now),
        why,
        contents: None,
        actor_id: actor.user,
    }
}

fn new_job(service: ServiceId, kind: BackupJobKind, step: BackupStep, actor: &Actor) -> NewBackupJob {
    NewBackupJob {
        id: BackupJobId::generate(),
        service_id: service,
        kind,
        step,
        backup_id: None,
        source_id: None,
        actor_id: actor.user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_tell_what_and_when() {
        let at = OffsetDateTime::from_unix_timestamp(1_795_270_500).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let name = "shop-db".parse().map(|service| file_name(&service, "sql.gz", at));
        assert_eq!(name.as_deref(), Ok("shop-db-2026-11-21-1415.sql.gz"));
    }
}
