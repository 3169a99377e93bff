//! What agents write and read for tasks of backups. An agent gets at nothing but the contents of the step that its own instance
//! was asked to do.

use crate::{Failure, Outcome, UseCases, blobs::Incoming};
use aerie_domain::{ActionRunId, InstanceId, Problem};
use async_recursion::async_recursion as boxed;
use std::path::PathBuf;

/// Contents that are arriving. Dropped unfinished, they leave nothing behind.
pub struct BackupOutput {
    instance: InstanceId,
    run: ActionRunId,
    incoming: Incoming,
}

impl BackupOutput {
    /// Appends what has arrived.
    pub async fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.incoming.write(bytes).await
    }
}

impl UseCases {
    /// The file that an instance reads for a task, or nothing.
    #[boxed]
    pub async fn task_input(&self, instance: InstanceId, run: ActionRunId) -> Outcome<Option<PathBuf>> {
        let digest = self.store().backup_input(instance, run).await?;
        Ok(digest.map(|digest| self.blob_path(&digest)))
    }

    /// Opens what an instance writes for a task; nothing when it was not asked to.
    #[boxed]
    pub async fn begin_task_output(&self, instance: InstanceId, run: ActionRunId) -> Outcome<Option<BackupOutput>> {
        if !self.store().backup_output(instance, run).await? {
            return Ok(None);
        }
        self.require_room(0)?;
        let incoming = self.incoming(self.settings().backups.max_bytes, "backup").await?;
        Ok(Some(BackupOutput { instance, run, incoming }))
    }

    /// Keeps what has arrived. It counts when the script that wrote it has ended well.
    #[boxed]
    pub async fn finish_task_output(&self, output: BackupOutput) -> Outcome<()> {
        let BackupOutput { instance, run, incoming } = output;
        let arrived = incoming.finish().await?;
        self.keep_blob(&arrived.path.0, &arrived.digest).await?;
        let bytes = i64::try_from(arrived.bytes).unwrap_or(i64::MAX);
        if self.store().backup_keep(instance, run, &arrived.digest, bytes).await? {
            Ok(())
        } else {
            Err(Problem::not_found("task that waits for this").into())
        }
    }

    /// Why what an instance writes was not taken, in words for its owner, who reads them on the page. Its agent may be gone
    /// before it can read them.
    #[boxed]
    pub async fn refuse_task_output(&self, run: ActionRunId, failure: Failure) -> Outcome<Problem> {
        let problem = failure.into_problem();
        self.store().backup_refuse(run, &problem.detail).await?;
        Ok(problem)
    }
}
