//! Table `load_runs`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, unsigned, word},
};
use aerie_domain::{
    DirectorId, LoadRunId, ServiceId, UserId,
    views::{LoadRunResult, LoadRunState},
};
use sqlx::types::{Json, Uuid};
use std::time::Duration;
use time::OffsetDateTime;

/// A run of the load generator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRunRow {
    /// Id.
    pub id: LoadRunId,
    /// Requests go to its public address.
    pub service_id: ServiceId,
    /// Requests per second.
    pub rate: u32,
    /// For so long.
    pub seconds: u32,
    /// Path and query.
    pub path: String,
    /// How far.
    pub state: LoadRunState,
    /// Why it failed.
    pub error: String,
    /// What was counted.
    pub result: LoadRunResult,
    /// When asked for.
    pub created_at: OffsetDateTime,
    /// When it ended.
    pub ended_at: Option<OffsetDateTime>,
}

/// A run to be.
#[derive(Debug, Clone)]
pub struct NewLoadRun {
    /// Id.
    pub id: LoadRunId,
    /// Requests go to its public address.
    pub service_id: ServiceId,
    /// Whose service.
    pub owner_id: UserId,
    /// The process that will send them.
    pub director_id: DirectorId,
    /// Requests per second.
    pub rate: u32,
    /// For so long.
    pub seconds: u32,
    /// Path and query.
    pub path: String,
}

/// What keeps runs within bounds.
#[derive(Debug, Clone, Copy)]
pub struct LoadRunLimits {
    /// Runs at a time in the whole installation.
    pub at_once: i64,
    /// A run that its director has not renewed for so long has ended with it.
    pub lost_after: Duration,
}

struct Raw {
    id: Uuid,
    service_id: Uuid,
    rate: i32,
    seconds: i32,
    path: String,
    state: String,
    error: String,
    result: Json<LoadRunResult>,
    created_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<Raw> for LoadRunRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: LoadRunId(raw.id),
            service_id: ServiceId(raw.service_id),
            rate: unsigned("load_runs.rate", raw.rate)?,
            seconds: unsigned("load_runs.seconds", raw.seconds)?,
            path: raw.path,
            state: word("load_runs.state", &raw.state)?,
            error: raw.error,
            result: raw.result.0,
            created_at: raw.created_at,
            ended_at: raw.ended_at,
        })
    }
}

impl Store {
    /// A run of this owner's.
    pub async fn load_run_fetch(&self, id: LoadRunId, owner: UserId) -> Result<Option<LoadRunRow>, StoreError> {
        let raw = sqlx::query_as!(
            Raw,
            r#"
            select id, service_id, rate, seconds, path, state, error, result as "result: Json<LoadRunResult>",
                   created_at, ended_at
              from load_runs
             where id = $1 and owner_id = $2
            "#,
            id.0,
            owner.0,
        )
        .fetch_optional(self.pool())
        .await?;
        raw.map(LoadRunRow::try_from).transpose()
    }

    /// The newest runs against a service.
    pub async fn load_run_list(&self, service: ServiceId, limit: i64) -> Result<Vec<LoadRunRow>, StoreError> {
        let raw = sqlx::query_as!(
            Raw,
            r#"
              select id, service_id, rate, seconds, path, state, error, result as "result: Json<LoadRunResult>",
                     created_at, ended_at
                from load_runs
               where service_id = $1
            order by id desc
               limit $2
            "#,
            service.0,
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        crate::error::typed(raw)
    }

    /// Notes what a run has counted. Answers whether it shall go on: it was neither stopped nor given up.
    pub async fn load_run_note(&self, id: LoadRunId, result: &LoadRunResult) -> Result<bool, StoreError> {
        let go_on = sqlx::query_scalar!(
            r#"
               update load_runs
                  set result = $2, updated_at = now()
                where id = $1 and ended_at is null
            returning not cancelled as "go_on!"
            "#,
            id.0,
            Json(result) as _,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(go_on.unwrap_or(false))
    }

    /// Ends a run. Does nothing when it has ended.
    pub async fn load_run_end(
        &self,
        id: LoadRunId,
        state: LoadRunState,
        error: &str,
        result: &LoadRunResult,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update load_runs
               set state = $2, error = $3, result = $4, updated_at = now(), ended_at = now()
             where id = $1 and ended_at is null
            ",
            id.0,
            state.as_str(),
            error,
            Json(result) as _,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Asks a run to stop. False when there is none of this owner's that runs.
    pub async fn load_run_cancel(&self, id: LoadRunId, owner: UserId) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "update load_runs set cancelled = true where id = $1 and owner_id = $2 and ended_at is null",
            id.0,
            owner.0,
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Ends runs whose director is gone, and forgets those that ended long ago.
    pub async fn load_runs_tidy(&self, limits: LoadRunLimits, max_age: Duration) -> Result<(), StoreError> {
        let mut txn = self.begin().await?;
        txn.load_runs_give_up(limits.lost_after).await?;
        sqlx::query!(
            "delete from load_runs where ended_at < now() - make_interval(secs => $1)",
            max_age.as_secs_f64(),
        )
        .execute(txn.connection())
        .await?;
        txn.commit().await
    }
}

impl Txn<'_> {
    /// Adds a run, unless as many run as may. An owner that has one already breaks `load_runs_open_key`. Runs whose
    /// director is gone count no more.
    pub async fn load_run_insert(&mut self, run: &NewLoadRun, limits: LoadRunLimits) -> Result<bool, StoreError> {
        // One at a time decides whether there is room.
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('aerie_load_runs', 0))")
            .execute(self.connection())
            .await?;
        self.load_runs_give_up(limits.lost_after).await?;
        let running = sqlx::query_scalar!(r#"select count(*) as "count!" from load_runs where ended_at is null"#)
            .fetch_one(self.connection())
            .await?;
        if running >= limits.at_once {
            return Ok(false);
        }
        let result = sqlx::query!(
            "
            insert into load_runs (id, service_id, owner_id, director_id, rate, seconds, path, result)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            ",
            run.id.0,
            run.service_id.0,
            run.owner_id.0,
            run.director_id.0,
            i32::try_from(run.rate).unwrap_or(i32::MAX),
            i32::try_from(run.seconds).unwrap_or(i32::MAX),
            run.path,
            Json(LoadRunResult::default()) as _,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)?;
        Ok(true)
    }

    async fn load_runs_give_up(&mut self, lost_after: Duration) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update load_runs
               set state    = 'failed',
                   error    = 'The director that sent the requests has stopped, and the run with it. Start it again.',
                   ended_at = now()
             where ended_at is null
               and updated_at < now() - make_interval(secs => $1)
            ",
            lost_after.as_secs_f64(),
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
