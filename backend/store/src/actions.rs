//! Tables `action_runs` and `action_results`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, typed, word},
};
use aerie_domain::{ActionName, ActionRunId, InstanceId, LifeId, RoleName, ServiceId, UserId, views::ActionState};
use sqlx::{
    PgExecutor,
    types::{Json, Uuid},
};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A press of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRunRow {
    /// Id.
    pub id: ActionRunId,
    /// The action.
    pub action: String,
    /// Values of its fields.
    pub values: BTreeMap<String, String>,
    /// Who pressed; none when that person is gone.
    pub requested_by: Option<String>,
    /// When.
    pub created_at: OffsetDateTime,
}

/// What became of a run on one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionResultRow {
    /// The run.
    pub run_id: ActionRunId,
    /// Its action.
    pub action: String,
    /// The instance; it may be gone.
    pub instance_id: InstanceId,
    /// What that is called.
    pub short: String,
    /// As which role.
    pub role: String,
    /// How far it is.
    pub state: ActionState,
    /// Exit code.
    pub code: Option<i32>,
    /// How it ended, in words.
    pub message: String,
    /// When the agent told that it runs.
    pub started_at: Option<OffsetDateTime>,
    /// When it told of the end.
    pub ended_at: Option<OffsetDateTime>,
}

/// A run that has not ended on an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenActionRow {
    /// The run.
    pub run_id: ActionRunId,
    /// Its action.
    pub action: ActionName,
    /// Values of its fields.
    pub values: BTreeMap<String, String>,
    /// The instance.
    pub instance_id: InstanceId,
    /// What that is called.
    pub short: String,
    /// As which role.
    pub role: RoleName,
    /// The agent's life that shall run it.
    pub life: LifeId,
    /// Asked or running.
    pub state: ActionState,
}

/// A run to be.
#[derive(Debug, Clone)]
pub struct NewActionRun {
    /// Id.
    pub id: ActionRunId,
    /// The service.
    pub service_id: ServiceId,
    /// The action.
    pub action: ActionName,
    /// Values of its fields, complete.
    pub values: BTreeMap<String, String>,
    /// Who pressed.
    pub actor_id: UserId,
    /// On these instances.
    pub on: Vec<NewActionResult>,
}

/// An instance of a run to be.
#[derive(Debug, Clone)]
pub struct NewActionResult {
    /// The instance.
    pub instance_id: InstanceId,
    /// What it is called.
    pub short: String,
    /// As which role.
    pub role: RoleName,
    /// Its agent's life now.
    pub life: LifeId,
}

struct RunRaw {
    id: Uuid,
    action: String,
    fields: Json<BTreeMap<String, String>>,
    requested_by: Option<String>,
    created_at: OffsetDateTime,
}

impl From<RunRaw> for ActionRunRow {
    fn from(raw: RunRaw) -> Self {
        let RunRaw { id, action, fields, requested_by, created_at } = raw;
        Self { id: ActionRunId(id), action, values: fields.0, requested_by, created_at }
    }
}

struct ResultRaw {
    run_id: Uuid,
    action: String,
    instance_id: Uuid,
    short: String,
    role: String,
    state: String,
    code: Option<i32>,
    message: String,
    started_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<ResultRaw> for ActionResultRow {
    type Error = StoreError;

    fn try_from(raw: ResultRaw) -> Result<Self, StoreError> {
        Ok(Self {
            run_id: ActionRunId(raw.run_id),
            action: raw.action,
            instance_id: InstanceId(raw.instance_id),
            short: raw.short,
            role: raw.role,
            state: word("action_results.state", &raw.state)?,
            code: raw.code,
            message: raw.message,
            started_at: raw.started_at,
            ended_at: raw.ended_at,
        })
    }
}

struct OpenRaw {
    run_id: Uuid,
    action: String,
    fields: Json<BTreeMap<String, String>>,
    instance_id: Uuid,
    short: String,
    role: String,
    life: Uuid,
    state: String,
}

impl TryFrom<OpenRaw> for OpenActionRow {
    type Error = StoreError;

    fn try_from(raw: OpenRaw) -> Result<Self, StoreError> {
        Ok(Self {
            run_id: ActionRunId(raw.run_id),
            action: word("action_runs.action", &raw.action)?,
            values: raw.fields.0,
            instance_id: InstanceId(raw.instance_id),
            short: raw.short,
            role: word("action_results.role", &raw.role)?,
            life: LifeId(raw.life),
            state: word("action_results.state", &raw.state)?,
        })
    }
}

async fn open(executor: impl PgExecutor<'_>, service: ServiceId) -> Result<Vec<OpenActionRow>, StoreError> {
    let raw = sqlx::query_as!(
        OpenRaw,
        r#"
          select r.run_id,
                 a.action,
                 a.fields as "fields: _",
                 r.instance_id,
                 r.short,
                 r.role,
                 r.life,
                 r.state
            from action_results r
            join action_runs a on a.id = r.run_id
           where r.service_id = $1
             and r.state in ('asked', 'running')
        order by r.run_id, r.instance_id
        "#,
        service.0,
    )
    .fetch_all(executor)
    .await?;
    typed(raw)
}

impl Store {
    /// What has not ended in a service, oldest first.
    pub async fn actions_open(&self, service: ServiceId) -> Result<Vec<OpenActionRow>, StoreError> {
        open(self.pool(), service).await
    }

    /// Runs of a service, newest first; only older ones than `before`.
    pub async fn action_runs(
        &self,
        service: ServiceId,
        before: Option<ActionRunId>,
        limit: i64,
    ) -> Result<Vec<ActionRunRow>, StoreError> {
        let raw = sqlx::query_as!(
            RunRaw,
            r#"
               select a.id,
                      a.action,
                      a.fields as "fields: _",
                      u.name   as "requested_by?",
                      a.created_at
                 from action_runs a
            left join users u on u.id = a.actor_id
                where a.service_id = $1
                  and ($2::uuid is null or a.id < $2)
             order by a.id desc
                limit $3
            "#,
            service.0,
            before.map(|id| id.0),
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(raw.into_iter().map(ActionRunRow::from).collect())
    }

    /// What became of these runs, by run and instance.
    pub async fn action_results(&self, runs: &[ActionRunId]) -> Result<Vec<ActionResultRow>, StoreError> {
        let runs: Vec<Uuid> = runs.iter().map(|id| id.0).collect();
        let raw = sqlx::query_as!(
            ResultRaw,
            "
              select r.run_id, a.action, r.instance_id, r.short, r.role, r.state, r.code, r.message, r.started_at, r.ended_at
                from action_results r
                join action_runs a on a.id = r.run_id
               where r.run_id = any($1)
            order by r.run_id, r.instance_id
            ",
            &runs,
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// The newest result of each action on each instance of a service.
    pub async fn action_lights(&self, service: ServiceId) -> Result<Vec<ActionResultRow>, StoreError> {
        let raw = sqlx::query_as!(
            ResultRaw,
            "
              select distinct on (r.instance_id, a.action)
                     r.run_id, a.action, r.instance_id, r.short, r.role, r.state, r.code, r.message, r.started_at, r.ended_at
                from action_results r
                join action_runs a on a.id = r.run_id
               where a.service_id = $1
            order by r.instance_id, a.action, r.run_id desc
            ",
            service.0,
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }
}

impl Txn<'_> {
    /// [`Store::actions_open`] inside the transaction.
    pub async fn actions_open(&mut self, service: ServiceId) -> Result<Vec<OpenActionRow>, StoreError> {
        open(self.connection(), service).await
    }

    /// Adds a run with a result per instance, and forgets the oldest ones of the service that have ended: about `keep`
    /// stay.
    pub async fn action_run_insert(&mut self, run: &NewActionRun, keep: i64) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "insert into action_runs (id, service_id, action, fields, actor_id) values ($1, $2, $3, $4, $5)",
            run.id.0,
            run.service_id.0,
            run.action.as_str(),
            Json(&run.values) as _,
            run.actor_id.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)?;
        let instances: Vec<Uuid> = run.on.iter().map(|on| on.instance_id.0).collect();
        let shorts: Vec<String> = run.on.iter().map(|on| on.short.clone()).collect();
        let roles: Vec<String> = run.on.iter().map(|on| on.role.to_string()).collect();
        let lives: Vec<Uuid> = run.on.iter().map(|on| on.life.0).collect();
        let result = sqlx::query!(
            "
            insert into action_results (run_id, service_id, instance_id, short, role, life)
            select $1, $2, t.instance_id, t.short, t.role, t.life
              from unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[]) as t (instance_id, short, role, life)
            ",
            run.id.0,
            run.service_id.0,
            &instances,
            &shorts,
            &roles,
            &lives,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, run.on.len() as u64)?;
        sqlx::query!(
            "
            delete from action_runs a
             where a.service_id = $1
               and a.id <= (select id from action_runs where service_id = $1 order by id desc offset $2 limit 1)
               and not exists (
                       select from action_results r where r.run_id = a.id and r.state in ('asked', 'running')
                   )
            ",
            run.service_id.0,
            keep,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes how far a run is on an instance. False when it had ended already or is not known.
    pub async fn action_result_set(
        &mut self,
        run: ActionRunId,
        instance: InstanceId,
        state: ActionState,
        code: Option<i32>,
        message: &str,
    ) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update action_results
               set state      = $3,
                   code       = $4,
                   message    = $5,
                   started_at = case when $3 in ('running', 'ended') then coalesce(started_at, now()) else started_at end,
                   ended_at   = case when $3 in ('ended', 'lost') then now() end
             where run_id = $1
               and instance_id = $2
               and state in ('asked', 'running')
            ",
            run.0,
            instance.0,
            state.as_str(),
            code,
            message,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }
}
