//! Backups that are made by themselves.

use super::{KEEP_FAILED, KEEP_JOBS, new_backup, new_job};
use crate::{Actor, Outcome, UseCases, services::OwnedService};
use aerie_domain::{
    BackupEvery, BackupJobKind, BackupStep, BackupWhy, DesiredState, Problem, ServiceId,
    views::{BackupSchedule, EventKind},
};
use aerie_store::{NewBackupJob, NewEvent, Txn};
use async_recursion::async_recursion as boxed;
use std::time::Duration;

impl UseCases {
    /// How often backups of a service are made.
    #[boxed]
    pub async fn backup_schedule(&self, actor: &Actor, id: ServiceId) -> Outcome<BackupSchedule> {
        let (service, ..) = self.readable_service(actor, id).await?;
        Ok(self.store().backup_schedule(service.id).await?.unwrap_or_default().0)
    }

    /// Says how often backups of a service are made, and how many of them are kept. The first is due after one such period.
    #[boxed]
    pub async fn set_backup_schedule(
        &self,
        actor: &Actor,
        id: ServiceId,
        schedule: BackupSchedule,
    ) -> Outcome<BackupSchedule> {
        actor.may_write()?;
        let (service, ..) = self.owned_service(actor, id).await?;
        self.backup_spec(&service)?;
        if !(1..=BackupSchedule::MOST_KEPT).contains(&schedule.keep) {
            let message = format!("must be from 1 to {}", BackupSchedule::MOST_KEPT);
            return Err(Problem::field("keep", message).into());
        }
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        txn.backup_schedule_set(id, &schedule, self.period(schedule.every)).await?;
        self.record(&mut txn, actor, "backup.schedule", &row, EventKind::Service).await?;
        txn.commit().await?;
        Ok(schedule)
    }

    fn period(&self, every: BackupEvery) -> Option<Duration> {
        every.hours().map(|hours| self.settings().backups.hour * hours)
    }

    /// Begins a backup that is due, unless another director was faster.
    pub(super) async fn begin_scheduled(&self, id: ServiceId) -> Outcome<()> {
        let Some((schedule, _)) = self.store().backup_schedule(id).await? else { return Ok(()) };
        let Some(period) = self.period(schedule.every) else { return Ok(()) };
        let (actor, now) = (self.platform().await?, self.store().database_now().await?);
        let mut txn = self.store().begin().await?;
        let Some((_, application, owner)) = txn.service_with_owner(id).await? else { return Ok(()) };
        let Some(service) = txn.service_lock(id).await? else { return Ok(()) };
        // Looked at again under the lock.
        if service.desired != DesiredState::Running || txn.backup_job_open(id).await?.is_some() {
            return Ok(());
        }
        if !txn.backup_schedule_take(id, period).await? {
            return Ok(());
        }
        let row = OwnedService { service, application, owner };
        let spec = self.backup_spec(&row.service)?;
        let backup = new_backup(&row.service, spec, BackupWhy::Scheduled, now, &actor);
        txn.backup_insert(&backup).await?;
        if let Err(text) = self.settings().disks.check(0) {
            // On the page, where its owner sees that there is none.
            txn.backup_set_failed(backup.id, &text).await?;
            txn.backups_prune(id, BackupWhy::Scheduled, schedule.keep.into(), KEEP_FAILED).await?;
        } else {
            let job = new_job(id, BackupJobKind::Backup, BackupStep::Dump, &actor);
            txn.backup_job_insert(&NewBackupJob { backup_id: Some(backup.id), ..job }, KEEP_JOBS).await?;
        }
        tell(&mut txn, &row).await?;
        Ok(txn.commit().await?)
    }
}

/// The pages of a service's owner have something new to show.
pub(super) async fn tell(txn: &mut Txn<'_>, row: &OwnedService) -> Outcome<()> {
    txn.event_append(&NewEvent {
        owner: Some(row.owner.id),
        kind: EventKind::Service,
        application: Some(row.application.id),
        service: Some(row.service.id),
        instance: None,
    })
    .await?;
    Ok(())
}
