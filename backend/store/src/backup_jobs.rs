//! Table `backup_jobs`. A job is changed only with its service's row locked.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, word},
};
use aerie_domain::{
    ActionRunId, BackupId, BackupJobId, BackupJobKind, BackupStep, ServiceId, UserId, views::ActionState,
};
use sqlx::{PgExecutor, types::Uuid};
use std::time::Duration;
use time::OffsetDateTime;

/// A backup, check or restoration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupJobRow {
    /// Id.
    pub id: BackupJobId,
    /// The service.
    pub service_id: ServiceId,
    /// What it is for.
    pub kind: BackupJobKind,
    /// What is being done.
    pub step: BackupStep,
    /// For how long.
    pub step_age: Duration,
    /// The task of the step; none until an instance was asked.
    pub run_id: Option<ActionRunId>,
    /// What it makes or checks; for a restoration, what the service kept before.
    pub backup_id: Option<BackupId>,
    /// What is put back.
    pub source_id: Option<BackupId>,
    /// Name of that.
    pub source_name: Option<String>,
    /// Why it failed.
    pub reason: String,
    /// Who asked.
    pub actor_id: Option<UserId>,
    /// That person's name; none for the platform itself.
    pub requested_by: Option<String>,
    /// When.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub ended_at: Option<OffsetDateTime>,
}

/// A job to be.
#[derive(Debug, Clone)]
pub struct NewBackupJob {
    /// Id.
    pub id: BackupJobId,
    /// The service.
    pub service_id: ServiceId,
    /// What it is for.
    pub kind: BackupJobKind,
    /// Where it begins.
    pub step: BackupStep,
    /// What it makes or checks.
    pub backup_id: Option<BackupId>,
    /// What is put back.
    pub source_id: Option<BackupId>,
    /// Who asks.
    pub actor_id: UserId,
}

/// What became of the task of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskResult {
    /// How far it is.
    pub state: ActionState,
    /// Exit code.
    pub code: Option<i32>,
    /// How it ended, in words.
    pub message: String,
}

struct Raw {
    id: Uuid,
    service_id: Uuid,
    kind: String,
    step: String,
    step_age_s: f64,
    run_id: Option<Uuid>,
    backup_id: Option<Uuid>,
    source_id: Option<Uuid>,
    source_name: Option<String>,
    reason: String,
    actor_id: Option<Uuid>,
    requested_by: Option<String>,
    started_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<Raw> for BackupJobRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: BackupJobId(raw.id),
            service_id: ServiceId(raw.service_id),
            kind: word("backup_jobs.kind", &raw.kind)?,
            step: word("backup_jobs.step", &raw.step)?,
            // The database's clock may have been set back.
            step_age: Duration::try_from_secs_f64(raw.step_age_s).unwrap_or_default(),
            run_id: raw.run_id.map(ActionRunId),
            backup_id: raw.backup_id.map(BackupId),
            source_id: raw.source_id.map(BackupId),
            source_name: raw.source_name,
            reason: raw.reason,
            actor_id: raw.actor_id.map(UserId),
            requested_by: raw.requested_by,
            started_at: raw.started_at,
            ended_at: raw.ended_at,
        })
    }
}

macro_rules! select_jobs {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Raw,
            r#"
               select j.id,
                      j.service_id,
                      j.kind,
                      j.step,
                      extract(epoch from now() - j.step_at)::double precision as "step_age_s!",
                      j.run_id,
                      j.backup_id,
                      j.source_id,
                      b.name as "source_name?",
                      j.reason,
                      j.actor_id,
                      u.name as "requested_by?",
                      j.started_at,
                      j.ended_at
                 from backup_jobs j
            left join backups b on b.id = j.source_id
            left join users u on u.id = j.actor_id and u.role <> 'system'
            "# + $rest
            $(, $argument)*
        )
    };
}

async fn open(executor: impl PgExecutor<'_>, service: ServiceId) -> Result<Option<BackupJobRow>, StoreError> {
    let raw =
        select_jobs!("where j.service_id = $1 and j.ended_at is null", service.0).fetch_optional(executor).await?;
    raw.map(BackupJobRow::try_from).transpose()
}

impl Store {
    /// What goes on in a service now.
    pub async fn backup_job_open(&self, service: ServiceId) -> Result<Option<BackupJobRow>, StoreError> {
        open(self.pool(), service).await
    }

    /// The restoration of a service that ended last.
    pub async fn backup_last_restore(&self, service: ServiceId) -> Result<Option<BackupJobRow>, StoreError> {
        let raw = select_jobs!(
            "where j.service_id = $1 and j.kind = 'restore' and j.ended_at is not null order by j.id desc limit 1",
            service.0
        )
        .fetch_optional(self.pool())
        .await?;
        raw.map(BackupJobRow::try_from).transpose()
    }

    /// Services in which something goes on.
    pub async fn backup_jobs_open(&self) -> Result<Vec<ServiceId>, StoreError> {
        let ids = sqlx::query_scalar!("select service_id from backup_jobs where ended_at is null order by id")
            .fetch_all(self.pool())
            .await?;
        Ok(ids.into_iter().map(ServiceId).collect())
    }
}

impl Txn<'_> {
    /// [`Store::backup_job_open`] inside the transaction.
    pub async fn backup_job_open(&mut self, service: ServiceId) -> Result<Option<BackupJobRow>, StoreError> {
        open(self.connection(), service).await
    }

    /// Adds a job. A service that has one already breaks `backup_jobs_open_key`. The oldest ended ones are forgotten.
    pub async fn backup_job_insert(&mut self, job: &NewBackupJob, keep: i64) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into backup_jobs (id, service_id, kind, step, backup_id, source_id, actor_id)
            values ($1, $2, $3, $4, $5, $6, $7)
            ",
            job.id.0,
            job.service_id.0,
            job.kind.as_str(),
            job.step.as_str(),
            job.backup_id.map(|id| id.0),
            job.source_id.map(|id| id.0),
            job.actor_id.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)?;
        // By kind, so that many backups do not push out the last restoration.
        sqlx::query!(
            "
            delete from backup_jobs
             where service_id = $1
               and kind = $2
               and ended_at is not null
               and id <= (select id from backup_jobs where service_id = $1 and kind = $2
                           order by id desc offset $3 limit 1)
            ",
            job.service_id.0,
            job.kind.as_str(),
            keep,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// An instance was asked for the step.
    pub async fn backup_job_asked(&mut self, id: BackupJobId, run: ActionRunId) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update backup_jobs set run_id = $2, step_at = now() where id = $1 and ended_at is null",
            id.0,
            run.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// It goes on to another step, which nobody was asked for yet.
    pub async fn backup_job_step(
        &mut self,
        id: BackupJobId,
        step: BackupStep,
        backup: Option<BackupId>,
    ) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            update backup_jobs
               set step      = $2,
                   step_at   = now(),
                   run_id    = null,
                   backup_id = $3
             where id = $1
               and ended_at is null
            ",
            id.0,
            step.as_str(),
            backup.map(|id| id.0),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// It has ended: well, or for this reason not.
    pub async fn backup_job_end(&mut self, id: BackupJobId, reason: &str) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update backup_jobs set ended_at = now(), reason = $2 where id = $1 and ended_at is null",
            id.0,
            reason,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// What became of a task that one instance was asked for; nothing when it was forgotten.
    pub async fn task_result(&mut self, run: ActionRunId) -> Result<Option<TaskResult>, StoreError> {
        let raw = sqlx::query!("select state, code, message from action_results where run_id = $1 limit 1", run.0)
            .fetch_optional(self.connection())
            .await?;
        raw.map(|raw| {
            Ok(TaskResult { state: word("action_results.state", &raw.state)?, code: raw.code, message: raw.message })
        })
        .transpose()
    }

    /// Nothing more is expected of a task: its instance is not asked for it any more.
    pub async fn task_give_up(&mut self, run: ActionRunId, why: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update action_results
               set state = 'lost', message = $2, ended_at = now()
             where run_id = $1
               and state in ('asked', 'running')
            ",
            run.0,
            why,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
