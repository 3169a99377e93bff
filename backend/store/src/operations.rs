//! Table `operations`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, typed, word},
};
use aerie_domain::{OperationId, OperationKind, OperationState, ServiceId, UserId, views::EventKind};
use sqlx::types::Uuid;
use time::OffsetDateTime;

/// A request that takes a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// Id.
    pub id: OperationId,
    /// The service it is about; may be gone.
    pub service_id: ServiceId,
    /// Whose service.
    pub owner_id: UserId,
    /// What was asked for.
    pub kind: OperationKind,
    /// Done when the service's observed generation reaches it.
    pub target_generation: i64,
    /// How far.
    pub state: OperationState,
    /// What is happening now.
    pub progress: String,
    /// Why it failed.
    pub error: String,
    /// Who asked.
    pub actor_id: Option<UserId>,
    /// The user name of who asked; empty for users who are gone.
    pub requested_by: String,
    /// When asked.
    pub created_at: OffsetDateTime,
    /// When it ended.
    pub ended_at: Option<OffsetDateTime>,
}

/// A request to be.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Id.
    pub id: OperationId,
    /// The service it is about.
    pub service_id: ServiceId,
    /// Whose service.
    pub owner_id: UserId,
    /// What was asked for.
    pub kind: OperationKind,
    /// The generation that the request led to.
    pub target_generation: i64,
    /// Who asked.
    pub actor_id: Option<UserId>,
}

struct OperationRaw {
    id: Uuid,
    service_id: Uuid,
    owner_id: Uuid,
    kind: String,
    target_generation: i64,
    state: String,
    progress: String,
    error: String,
    actor_id: Option<Uuid>,
    requested_by: String,
    created_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<OperationRaw> for OperationRow {
    type Error = StoreError;

    fn try_from(raw: OperationRaw) -> Result<Self, StoreError> {
        Ok(Self {
            id: OperationId(raw.id),
            service_id: ServiceId(raw.service_id),
            owner_id: UserId(raw.owner_id),
            kind: word("operations.kind", &raw.kind)?,
            target_generation: raw.target_generation,
            state: word("operations.state", &raw.state)?,
            progress: raw.progress,
            error: raw.error,
            actor_id: raw.actor_id.map(UserId),
            requested_by: raw.requested_by,
            created_at: raw.created_at,
            ended_at: raw.ended_at,
        })
    }
}

macro_rules! select_operations {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            OperationRaw,
            r#"
               select o.id,
                      o.service_id,
                      o.owner_id,
                      o.kind,
                      o.target_generation,
                      o.state,
                      o.progress,
                      o.error,
                      o.actor_id,
                      coalesce(u.name, '') as "requested_by!",
                      o.created_at,
                      o.ended_at
                 from operations o
            left join users u on u.id = o.actor_id
            "# + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// One operation, if it is about the owner's service.
    pub async fn operation_fetch(&self, id: OperationId, owner: UserId) -> Result<Option<OperationRow>, StoreError> {
        let raw = select_operations!("where o.id = $1 and o.owner_id = $2", id.0, owner.0)
            .fetch_optional(self.pool())
            .await?;
        raw.map(OperationRow::try_from).transpose()
    }

    /// One operation, whoever's service it is about: for administrators.
    pub async fn operation_fetch_any(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        let raw = select_operations!("where o.id = $1", id.0).fetch_optional(self.pool()).await?;
        raw.map(OperationRow::try_from).transpose()
    }

    /// The operations of a service before the given one, newest first.
    pub async fn operation_list(
        &self,
        service: ServiceId,
        after: Option<OperationId>,
        limit: i64,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let raw = select_operations!(
            "where o.service_id = $1 and ($2::uuid is null or o.id < $2) order by o.id desc limit $3",
            service.0,
            after.map(|after| after.0),
            limit
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// The operations on an owner's services before the given one, newest first.
    pub async fn operations_of_owner(
        &self,
        owner: UserId,
        after: Option<OperationId>,
        limit: i64,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let raw = select_operations!(
            "where o.owner_id = $1 and ($2::uuid is null or o.id < $2) order by o.id desc limit $3",
            owner.0,
            after.map(|after| after.0),
            limit
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// The newest operation of a service: by generation, as ids follow a clock that may be set back.
    pub async fn operation_latest(&self, service: ServiceId) -> Result<Option<OperationRow>, StoreError> {
        let raw = select_operations!(
            "where o.service_id = $1 order by o.target_generation desc, o.id desc limit 1",
            service.0
        )
        .fetch_optional(self.pool())
        .await?;
        raw.map(OperationRow::try_from).transpose()
    }

    /// Ends all operations that are open for longer than `max_age`, with `error` and what was last noted of them and of
    /// their services, and tells their owners. Answers how many.
    pub async fn operations_end_overdue(&self, max_age: std::time::Duration, error: &str) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            with overdue as (
                   update operations o
                      set state    = 'failed',
                          error    = concat_ws(' ', $2::text, nullif(o.progress, ''),
                                               (select nullif(s.reason, '') from services s where s.id = o.service_id)),
                          ended_at = now()
                    where o.ended_at is null
                      and o.created_at < now() - make_interval(secs => $1)
                returning o.owner_id, o.service_id
            )
            insert into events (owner_id, kind, application_id, service_id)
            select o.owner_id, $3, s.application_id, o.service_id
              from overdue o
         left join services s on s.id = o.service_id
            ",
            max_age.as_secs_f64(),
            error,
            crate::events::kind_word(EventKind::Operation),
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected())
    }

    /// Forgets operations that ended longer than `max_age` ago. Answers how many.
    pub async fn operations_prune(&self, max_age: std::time::Duration) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "delete from operations where ended_at < now() - make_interval(secs => $1)",
            max_age.as_secs_f64(),
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected())
    }
}

impl Txn<'_> {
    /// Adds an operation and ends the open ones that it replaces: start, stop and delete replace every other, scale,
    /// activate, configure and restart those of their own kind.
    pub async fn operation_insert(&mut self, operation: &NewOperation) -> Result<(), StoreError> {
        let replaced = match operation.kind {
            OperationKind::Start | OperationKind::Stop | OperationKind::Delete => None,
            OperationKind::Scale | OperationKind::Activate | OperationKind::Configure | OperationKind::Restart => {
                Some(operation.kind)
            }
        };
        self.operations_supersede(operation.service_id, replaced).await?;
        let result = sqlx::query!(
            "
            insert into operations (id, service_id, owner_id, kind, target_generation, actor_id)
            values ($1, $2, $3, $4, $5, $6)
            ",
            operation.id.0,
            operation.service_id.0,
            operation.owner_id.0,
            operation.kind.as_str(),
            operation.target_generation,
            operation.actor_id.map(|actor| actor.0),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    async fn operations_supersede(
        &mut self,
        service: ServiceId,
        kind: Option<OperationKind>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update operations
               set state    = 'superseded',
                   ended_at = now()
             where service_id = $1
               and ended_at is null
               and ($2::text is null or kind = $2)
            ",
            service.0,
            kind.map(OperationKind::as_str),
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes what is happening now in a service's open operations. Answers how many that was news to.
    pub async fn operations_progress(&mut self, service: ServiceId, progress: &str) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            update operations
               set state    = 'running',
                   progress = $2
             where service_id = $1
               and ended_at is null
               and (state, progress) is distinct from ('running', $2)
            ",
            service.0,
            progress,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected())
    }

    /// Ends a service's open operations up to a generation well. Answers how many.
    pub async fn operations_finish(&mut self, service: ServiceId, generation: i64) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            update operations
               set state    = 'done',
                   ended_at = now()
             where service_id = $1
               and target_generation <= $2
               and ended_at is null
            ",
            service.0,
            generation,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected())
    }

    /// Ends those of a service's open operations that are older than `max_age` with a reason. Answers how many.
    pub async fn operations_give_up(
        &mut self,
        service: ServiceId,
        max_age: std::time::Duration,
        error: &str,
    ) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            update operations
               set state    = 'failed',
                   error    = $3,
                   ended_at = now()
             where service_id = $1
               and ended_at is null
               and created_at < now() - make_interval(secs => $2)
            ",
            service.0,
            max_age.as_secs_f64(),
            error,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected())
    }

    /// Ends a service's open operations up to a generation with a reason. Answers how many.
    pub async fn operations_fail(
        &mut self,
        service: ServiceId,
        generation: i64,
        error: &str,
    ) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            update operations
               set state    = 'failed',
                   error    = $3,
                   ended_at = now()
             where service_id = $1
               and target_generation <= $2
               and ended_at is null
            ",
            service.0,
            generation,
            error,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected())
    }
}
