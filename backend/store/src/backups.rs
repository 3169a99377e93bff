//! Table `backups`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, typed, word},
};
use aerie_domain::{ActionRunId, BackupId, BackupState, BackupWhy, InstanceId, ServiceId, UserId};
use sqlx::{PgExecutor, types::Uuid};
use time::OffsetDateTime;

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRow {
    /// Id.
    pub id: BackupId,
    /// Whose data it is.
    pub service_id: ServiceId,
    /// Name of the file.
    pub name: String,
    /// Why it was made.
    pub why: BackupWhy,
    /// How far it is.
    pub state: BackupState,
    /// Why it failed.
    pub reason: String,
    /// SHA-256 of its contents, hexadecimal.
    pub digest: Option<String>,
    /// Bytes of its contents.
    pub size_bytes: Option<i64>,
    /// Whether it can be put back; none until that was tried.
    pub check_ok: Option<bool>,
    /// Why not.
    pub check_message: String,
    /// When it was tried.
    pub checked_at: Option<OffsetDateTime>,
    /// Who asked; none when that person is gone, or when it was the platform itself.
    pub requested_by: Option<String>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

/// A backup to be: one that is to be made, or one that came with its contents.
#[derive(Debug, Clone)]
pub struct NewBackup {
    /// Id.
    pub id: BackupId,
    /// Whose data it is.
    pub service_id: ServiceId,
    /// Name of the file.
    pub name: String,
    /// Why.
    pub why: BackupWhy,
    /// Digest and bytes of the contents, when they are there.
    pub contents: Option<(String, i64)>,
    /// Who asks.
    pub actor_id: UserId,
}

struct Raw {
    id: Uuid,
    service_id: Uuid,
    name: String,
    why: String,
    state: String,
    reason: String,
    digest: Option<String>,
    size_bytes: Option<i64>,
    check_ok: Option<bool>,
    check_message: String,
    checked_at: Option<OffsetDateTime>,
    requested_by: Option<String>,
    created_at: OffsetDateTime,
}

impl TryFrom<Raw> for BackupRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: BackupId(raw.id),
            service_id: ServiceId(raw.service_id),
            name: raw.name,
            why: word("backups.why", &raw.why)?,
            state: word("backups.state", &raw.state)?,
            reason: raw.reason,
            digest: raw.digest,
            size_bytes: raw.size_bytes,
            check_ok: raw.check_ok,
            check_message: raw.check_message,
            checked_at: raw.checked_at,
            requested_by: raw.requested_by,
            created_at: raw.created_at,
        })
    }
}

macro_rules! select_backups {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Raw,
            r#"
               select b.id,
                      b.service_id,
                      b.name,
                      b.why,
                      b.state,
                      b.reason,
                      b.digest,
                      b.size_bytes,
                      b.check_ok,
                      b.check_message,
                      b.checked_at,
                      u.name as "requested_by?",
                      b.created_at
                 from backups b
            left join users u on u.id = b.actor_id and u.role <> 'system'
            "# + $rest
            $(, $argument)*
        )
    };
}

async fn fetch(
    executor: impl PgExecutor<'_>,
    service: ServiceId,
    id: BackupId,
) -> Result<Option<BackupRow>, StoreError> {
    let raw =
        select_backups!("where b.service_id = $1 and b.id = $2", service.0, id.0).fetch_optional(executor).await?;
    raw.map(BackupRow::try_from).transpose()
}

impl Store {
    /// The backups of a service, newest first. There are never many: see `backups_prune` and the use cases' limit.
    pub async fn backup_list(&self, service: ServiceId) -> Result<Vec<BackupRow>, StoreError> {
        let raw =
            select_backups!("where b.service_id = $1 order by b.id desc", service.0).fetch_all(self.pool()).await?;
        typed(raw)
    }

    /// One backup of a service.
    pub async fn backup_fetch(&self, service: ServiceId, id: BackupId) -> Result<Option<BackupRow>, StoreError> {
        fetch(self.pool(), service, id).await
    }

    /// The contents that an instance may read for a task: those of the step that it was asked to do.
    pub async fn backup_input(&self, instance: InstanceId, run: ActionRunId) -> Result<Option<String>, StoreError> {
        let digest = sqlx::query_scalar!(
            "
            select b.digest
              from backup_jobs j
              join action_results r on r.run_id = j.run_id
              join backups b on b.id = case when j.step = 'check' then j.backup_id else j.source_id end
             where j.run_id = $1
               and j.ended_at is null
               and j.step in ('check_source', 'check', 'load')
               and r.instance_id = $2
               and r.state in ('asked', 'running')
            ",
            run.0,
            instance.0,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(digest.flatten())
    }

    /// Whether an instance may write the contents of a backup: it was asked to, has not ended, and they are not there.
    pub async fn backup_output(&self, instance: InstanceId, run: ActionRunId) -> Result<bool, StoreError> {
        let wanted = sqlx::query_scalar!(
            r#"
            select exists (
                       select from backup_jobs j
                              join action_results r on r.run_id = j.run_id
                              join backups b on b.id = j.backup_id
                        where j.run_id = $1
                          and j.ended_at is null
                          and j.step = 'dump'
                          and r.instance_id = $2
                          and r.state in ('asked', 'running')
                          and b.state = 'making'
                          and b.digest is null
                   ) as "wanted!"
            "#,
            run.0,
            instance.0,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(wanted)
    }

    /// Notes the contents that an instance wrote, if they are still wanted. They count once the script has ended well.
    pub async fn backup_keep(
        &self,
        instance: InstanceId,
        run: ActionRunId,
        digest: &str,
        size_bytes: i64,
    ) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update backups b
               set digest     = $3,
                   size_bytes = $4
              from backup_jobs j
              join action_results r on r.run_id = j.run_id
             where j.run_id = $1
               and j.ended_at is null
               and j.step = 'dump'
               and r.instance_id = $2
               and r.state in ('asked', 'running')
               and b.id = j.backup_id
               and b.state = 'making'
               and b.digest is null
            ",
            run.0,
            instance.0,
            digest,
            size_bytes,
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Notes why what an instance writes is not taken: it is the reason when the backup fails.
    pub async fn backup_refuse(&self, run: ActionRunId, reason: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update backups b
               set reason = $2
              from backup_jobs j
             where j.run_id = $1
               and j.ended_at is null
               and b.id = j.backup_id
               and b.state = 'making'
            ",
            run.0,
            reason,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }
}

impl Txn<'_> {
    /// [`Store::backup_fetch`] inside the transaction.
    pub async fn backup_fetch(&mut self, service: ServiceId, id: BackupId) -> Result<Option<BackupRow>, StoreError> {
        fetch(self.connection(), service, id).await
    }

    /// How many backups a service has.
    pub async fn backup_count(&mut self, service: ServiceId) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from backups where service_id = $1"#, service.0)
            .fetch_one(self.connection())
            .await?;
        Ok(count)
    }

    /// Adds a backup: ready when it has contents, else being made.
    pub async fn backup_insert(&mut self, backup: &NewBackup) -> Result<(), StoreError> {
        let state = if backup.contents.is_some() { BackupState::Ready } else { BackupState::Making };
        let (digest, size) = backup.contents.clone().unzip();
        let result = sqlx::query!(
            "
            insert into backups (id, service_id, name, why, state, digest, size_bytes, actor_id)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            ",
            backup.id.0,
            backup.service_id.0,
            backup.name,
            backup.why.as_str(),
            state.as_str(),
            digest,
            size,
            backup.actor_id.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Its contents are complete.
    pub async fn backup_set_ready(&mut self, id: BackupId) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update backups set state = 'ready', reason = '' where id = $1 and state = 'making' and digest is not null",
            id.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// It has no contents, or gives them up.
    pub async fn backup_set_failed(&mut self, id: BackupId, reason: &str) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update backups set state = 'failed', reason = $2, digest = null, size_bytes = null where id = $1",
            id.0,
            reason,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Notes whether it can be put back.
    pub async fn backup_set_check(&mut self, id: BackupId, ok: bool, message: &str) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update backups set check_ok = $2, check_message = $3, checked_at = now() where id = $1",
            id.0,
            ok,
            message,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Removes a backup of a service.
    pub async fn backup_delete(&mut self, service: ServiceId, id: BackupId) -> Result<(), StoreError> {
        let result = sqlx::query!("delete from backups where service_id = $1 and id = $2", service.0, id.0)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Removes the oldest backups of a service that were made for this reason: of the usable ones `keep` stay, of the others
    /// `keep_failed`. What a job is about stays.
    pub async fn backups_prune(
        &mut self,
        service: ServiceId,
        why: BackupWhy,
        keep: i64,
        keep_failed: i64,
    ) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            with ranked as (
                select id,
                       usable,
                       row_number() over (partition by usable order by id desc) as place
                  from (select id, state = 'ready' and check_ok is not false as usable
                          from backups
                         where service_id = $1
                           and why = $2
                           and state <> 'making') as b
            )
            delete from backups
             where id in (select id from ranked where place > case when usable then $3::bigint else $4::bigint end)
               and not exists (
                       select from backup_jobs j
                        where j.ended_at is null
                          and backups.id in (j.backup_id, j.source_id)
                   )
            ",
            service.0,
            why.as_str(),
            keep,
            keep_failed,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected())
    }
}
