//! Backups that somebody brings along: kept as they come, and checked before they can be put back.

use super::{KEEP_JOBS, ensure_few, new_job, refused};
use crate::{Actor, Outcome, StagedUpload, UseCases, blobs::Arrived, code::tidy_file_name};
use aerie_domain::{
    BackupId, BackupJobKind, BackupStep, BackupWhy, Problem, ServiceId,
    views::{BackupView, EventKind},
};
use aerie_store::{NewBackup, NewBackupJob};
use async_recursion::async_recursion as boxed;

impl UseCases {
    /// Opens an upload. Refused before a byte is read when it could not be checked, or when there is no room.
    #[boxed]
    pub async fn begin_backup_upload(&self, actor: &Actor, service: ServiceId) -> Outcome<StagedUpload> {
        actor.may_write()?;
        let (service, ..) = self.owned_service(actor, service).await?;
        let spec = self.backup_spec(&service)?;
        self.require_room(0)?;
        let instances = self.store().instances_of_services(&[service.id]).await?;
        let mut txn = self.store().begin().await?;
        self.ensure_may_begin(&mut txn, &service, spec, &instances).await?;
        ensure_few(&mut txn, service.id).await?;
        drop(txn);
        let incoming = self.incoming(self.settings().backups.max_bytes, "backup").await?;
        Ok(StagedUpload { of: service.id, incoming })
    }

    /// Keeps what has arrived and has it checked. When the check fails, it is thrown away again.
    #[boxed]
    pub async fn finish_backup_upload(
        &self,
        actor: &Actor,
        upload: StagedUpload,
        file_name: &str,
    ) -> Outcome<BackupView> {
        actor.may_write()?;
        let StagedUpload { of: id, incoming } = upload;
        let Arrived { path, digest, bytes } = incoming.finish().await?;
        if bytes == 0 {
            return Err(Problem::field("file", "is empty").into());
        }
        self.keep_blob(&path.0, &digest).await?;
        let backup = BackupId::generate();
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        // Nothing else may have begun meanwhile. Whether an instance is ready was asked before; a job waits for one.
        if txn.backup_job_open(id).await?.is_some() {
            return Err(refused("Another backup was begun meanwhile. Wait until that has ended.").into());
        }
        ensure_few(&mut txn, id).await?;
        txn.backup_insert(&NewBackup {
            id: backup,
            service_id: id,
            name: tidy_file_name(file_name),
            why: BackupWhy::Uploaded,
            contents: Some((digest, i64::try_from(bytes).unwrap_or(i64::MAX))),
            actor_id: actor.user,
        })
        .await?;
        let job = new_job(id, BackupJobKind::Upload, BackupStep::Check, actor);
        txn.backup_job_insert(&NewBackupJob { backup_id: Some(backup), ..job }, KEEP_JOBS).await?;
        self.record(&mut txn, actor, "backup.upload", &row, EventKind::Service).await?;
        txn.commit().await?;
        self.backup(actor, id, backup).await
    }
}
