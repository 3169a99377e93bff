//! Putting a backup back. What the service keeps now is kept before, and nothing is touched until that has been checked.

use super::{KEEP_JOBS, new_backup, new_job, refused};
use crate::{Actor, Outcome, UseCases};
use aerie_domain::{
    BackupId, BackupJobKind, BackupState, BackupStep, BackupWhy, Problem, ServiceId,
    views::{BackupJobView, EventKind, RestoreBackup},
};
use aerie_store::NewBackupJob;
use async_recursion::async_recursion as boxed;

impl UseCases {
    /// Has a backup put back.
    #[boxed]
    pub async fn restore_backup(
        &self,
        actor: &Actor,
        id: ServiceId,
        source: BackupId,
        form: &RestoreBackup,
    ) -> Outcome<BackupJobView> {
        actor.may_write()?;
        let (service, ..) = self.owned_service(actor, id).await?;
        let spec = self.backup_spec(&service)?;
        let backup = self.store().backup_fetch(id, source).await?.ok_or_else(|| Problem::not_found("backup"))?;
        if form.confirm.trim() != service.name.as_str() {
            let message = format!("must be the name of the service, {}: its data will be replaced", service.name);
            return Err(Problem::field("confirm", message).into());
        }
        match (backup.state, backup.check_ok) {
            (BackupState::Ready, Some(false)) => {
                return Err(refused("This backup did not pass its check, so it is not put back.").into());
            }
            (BackupState::Ready, _) => {}
            (BackupState::Making, _) => return Err(refused("This backup is still being made.").into()),
            (BackupState::Failed, _) => return Err(refused("This backup failed and has no contents.").into()),
        }
        self.require_room(0)?;
        let instances = self.store().instances_of_services(&[id]).await?;
        let now = self.store().database_now().await?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        self.ensure_may_begin(&mut txn, &row.service, spec, &instances).await?;
        // Deleted meanwhile?
        txn.backup_fetch(id, source).await?.ok_or_else(|| Problem::not_found("backup"))?;
        let checked = backup.check_ok == Some(true);
        let step = if checked { BackupStep::Dump } else { BackupStep::CheckSource };
        let mut job = NewBackupJob { source_id: Some(source), ..new_job(id, BackupJobKind::Restore, step, actor) };
        if checked {
            let before = new_backup(&row.service, spec, BackupWhy::BeforeRestore, now, actor);
            txn.backup_insert(&before).await?;
            job.backup_id = Some(before.id);
        }
        txn.backup_job_insert(&job, KEEP_JOBS).await?;
        self.record(&mut txn, actor, "backup.restore", &row, EventKind::Service).await?;
        txn.commit().await?;
        let job = self.backups(actor, id).await?.job.filter(|open| open.id == job.id);
        job.ok_or_else(|| refused("It has ended already: look at the service's page.").into())
    }
}
