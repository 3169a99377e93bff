//! Table `services`: what their owners want. What their managers make of it is in `service_status`.

use crate::{
    ApplicationRow, OwnerRow, Store, StoreError, Txn,
    applications::ApplicationRaw,
    error::{ensure_affected, typed, word},
};
use aerie_domain::{
    ApplicationId, CodeVersionId, DesiredState, KindName, RoleName, ServiceId, ServiceName, ServiceState, UserId,
};
use serde::{Deserialize, Serialize};
use sqlx::{
    PgExecutor,
    types::{Json, Uuid},
};
use std::{collections::BTreeMap, fmt};
use time::OffsetDateTime;

/// A service: intent and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Id.
    pub id: ServiceId,
    /// The application it belongs to.
    pub application_id: ApplicationId,
    /// Name.
    pub name: ServiceName,
    /// Kind.
    pub kind: KindName,
    /// What the owner wants.
    pub desired: DesiredState,
    /// Counts changes of intent.
    pub generation: i64,
    /// Role → how many.
    pub counts: BTreeMap<RoleName, u32>,
    /// Setting → value, complete.
    pub settings: BTreeMap<String, String>,
    /// Environment variables.
    pub variables: BTreeMap<String, Variable>,
    /// The version the owner wants served.
    pub active_version_id: Option<CodeVersionId>,
    /// Where it is.
    pub state: ServiceState,
    /// Why, in words for a student.
    pub reason: String,
    /// Since when in this state.
    pub state_since: OffsetDateTime,
    /// Why somebody other than the owner stopped it; empty otherwise.
    pub stop_reason: String,
    /// The generation that the world agrees with.
    pub observed_generation: i64,
    /// The version visitors get.
    pub serving_version_id: Option<CodeVersionId>,
    /// The version they got before; stays staged.
    pub previous_version_id: Option<CodeVersionId>,
    /// Failed attempts in a row.
    pub failures: i32,
    /// When created.
    pub created_at: OffsetDateTime,
    /// Slots from 0 whose volumes may have data that is nowhere else.
    pub slots_kept: i32,
    /// The generation of the newest request for a restart; 0 before the first.
    pub restart_generation: i64,
}

/// The part of a service that its owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceIntent {
    /// What the owner wants.
    pub desired: DesiredState,
    /// Role → how many.
    pub counts: BTreeMap<RoleName, u32>,
    /// Setting → value, complete.
    pub settings: BTreeMap<String, String>,
    /// Environment variables.
    pub variables: BTreeMap<String, Variable>,
    /// The version the owner wants served.
    pub active_version_id: Option<CodeVersionId>,
}

/// The value of an environment variable.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Value.
    pub value: String,
    /// Never shown.
    pub secret: bool,
}

/// A service to be. It begins stopped, at generation 1.
#[derive(Debug, Clone)]
pub struct NewService {
    /// Id.
    pub id: ServiceId,
    /// The application it belongs to.
    pub application_id: ApplicationId,
    /// Name.
    pub name: ServiceName,
    /// Kind.
    pub kind: KindName,
    /// Role → how many.
    pub counts: BTreeMap<RoleName, u32>,
    /// Setting → value, complete.
    pub settings: BTreeMap<String, String>,
    /// The version the owner wants served; its row may follow in the same transaction.
    pub active_version_id: Option<CodeVersionId>,
}

impl fmt::Debug for Variable {
    /// A value may be a password: this ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable").field("secret", &self.secret).finish_non_exhaustive()
    }
}

impl ServiceRow {
    /// The part that the owner decides.
    pub fn intent(&self) -> ServiceIntent {
        ServiceIntent {
            desired: self.desired,
            counts: self.counts.clone(),
            settings: self.settings.clone(),
            variables: self.variables.clone(),
            active_version_id: self.active_version_id,
        }
    }
}

pub(crate) struct ServiceRaw {
    id: Uuid,
    application_id: Uuid,
    name: String,
    kind: String,
    desired: String,
    generation: i64,
    counts: Json<BTreeMap<RoleName, u32>>,
    settings: Json<BTreeMap<String, String>>,
    variables: Json<BTreeMap<String, Variable>>,
    active_version_id: Option<Uuid>,
    state: String,
    reason: String,
    state_since: OffsetDateTime,
    stop_reason: String,
    observed_generation: i64,
    serving_version_id: Option<Uuid>,
    previous_version_id: Option<Uuid>,
    failures: i32,
    created_at: OffsetDateTime,
    slots_kept: i32,
    restart_generation: i64,
}

impl TryFrom<ServiceRaw> for ServiceRow {
    type Error = StoreError;

    fn try_from(raw: ServiceRaw) -> Result<Self, StoreError> {
        Ok(Self {
            id: ServiceId(raw.id),
            application_id: ApplicationId(raw.application_id),
            name: word("services.name", &raw.name)?,
            kind: word("services.kind", &raw.kind)?,
            desired: word("services.desired", &raw.desired)?,
            generation: raw.generation,
            counts: raw.counts.0,
            settings: raw.settings.0,
            variables: raw.variables.0,
            active_version_id: raw.active_version_id.map(CodeVersionId),
            state: word("services.state", &raw.state)?,
            reason: raw.reason,
            state_since: raw.state_since,
            stop_reason: raw.stop_reason,
            observed_generation: raw.observed_generation,
            serving_version_id: raw.serving_version_id.map(CodeVersionId),
            previous_version_id: raw.previous_version_id.map(CodeVersionId),
            failures: raw.failures,
            created_at: raw.created_at,
            slots_kept: raw.slots_kept,
            restart_generation: raw.restart_generation,
        })
    }
}

macro_rules! select_services {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            ServiceRaw,
            r#"
            select s.id,
                   s.application_id,
                   s.name,
                   s.kind,
                   s.desired,
                   s.generation,
                   s.counts    as "counts: _",
                   s.settings  as "settings: _",
                   s.variables as "variables: _",
                   s.active_version_id,
                   s.state,
                   s.reason,
                   s.state_since,
                   s.stop_reason,
                   s.observed_generation,
                   s.serving_version_id,
                   s.previous_version_id,
                   s.failures,
                   s.created_at,
                   s.slots_kept,
                   s.restart_generation
              from services s
            "# + $rest
            $(, $argument)*
        )
    };
}

async fn fetch(executor: impl PgExecutor<'_>, id: ServiceId) -> Result<Option<ServiceRow>, StoreError> {
    let raw = select_services!("where s.id = $1", id.0).fetch_optional(executor).await?;
    raw.map(ServiceRow::try_from).transpose()
}

async fn owner(
    executor: impl PgExecutor<'_>,
    id: ApplicationId,
) -> Result<Option<(ApplicationRow, OwnerRow)>, StoreError> {
    let raw = sqlx::query!(
        "
        select a.id,
               a.owner_id,
               a.name,
               a.network_index,
               a.deleting_at,
               a.created_at,
               u.name as owner_name
          from applications a
          join users u on u.id = a.owner_id
         where a.id = $1
        ",
        id.0,
    )
    .fetch_optional(executor)
    .await?;
    let Some(raw) = raw else { return Ok(None) };
    let owner = OwnerRow { id: UserId(raw.owner_id), name: raw.owner_name };
    let application = ApplicationRaw {
        id: raw.id,
        owner_id: raw.owner_id,
        name: raw.name,
        network_index: raw.network_index,
        deleting_at: raw.deleting_at,
        created_at: raw.created_at,
    };
    Ok(Some((application.try_into()?, owner)))
}

async fn list(executor: impl PgExecutor<'_>, applications: &[Uuid]) -> Result<Vec<ServiceRow>, StoreError> {
    let raw = select_services!(
        "where s.application_id = any($1) order by s.application_id, s.created_at, s.id",
        applications
    )
    .fetch_all(executor)
    .await?;
    typed(raw)
}

impl Store {
    /// One service.
    pub async fn service_fetch(&self, id: ServiceId) -> Result<Option<ServiceRow>, StoreError> {
        fetch(self.pool(), id).await
    }

    /// One service with its application and that application's owner.
    pub async fn service_with_owner(
        &self,
        id: ServiceId,
    ) -> Result<Option<(ServiceRow, ApplicationRow, OwnerRow)>, StoreError> {
        let Some(service) = fetch(self.pool(), id).await? else { return Ok(None) };
        let owner = owner(self.pool(), service.application_id).await?;
        Ok(owner.map(|(application, owner)| (service, application, owner)))
    }

    /// An application with its owner.
    pub async fn application_with_owner(
        &self,
        id: ApplicationId,
    ) -> Result<Option<(ApplicationRow, OwnerRow)>, StoreError> {
        owner(self.pool(), id).await
    }

    /// The services of an application, oldest first.
    pub async fn service_list(&self, application: ApplicationId) -> Result<Vec<ServiceRow>, StoreError> {
        list(self.pool(), &[application.0]).await
    }

    /// The services of several applications, by application, oldest first.
    pub async fn services_of_applications(&self, ids: &[ApplicationId]) -> Result<Vec<ServiceRow>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        list(self.pool(), &ids).await
    }
}

impl Txn<'_> {
    /// One service, locked until the transaction ends.
    pub async fn service_lock(&mut self, id: ServiceId) -> Result<Option<ServiceRow>, StoreError> {
        let raw = select_services!("where s.id = $1 for update", id.0).fetch_optional(self.connection()).await?;
        raw.map(ServiceRow::try_from).transpose()
    }

    /// [`Store::service_fetch`] inside the transaction.
    pub async fn service_fetch(&mut self, id: ServiceId) -> Result<Option<ServiceRow>, StoreError> {
        fetch(self.connection(), id).await
    }

    /// [`Store::service_with_owner`] inside the transaction.
    pub async fn service_with_owner(
        &mut self,
        id: ServiceId,
    ) -> Result<Option<(ServiceRow, ApplicationRow, OwnerRow)>, StoreError> {
        let Some(service) = fetch(self.connection(), id).await? else { return Ok(None) };
        let owner = owner(self.connection(), service.application_id).await?;
        Ok(owner.map(|(application, owner)| (service, application, owner)))
    }

    /// [`Store::service_list`] inside the transaction.
    pub async fn service_list(&mut self, application: ApplicationId) -> Result<Vec<ServiceRow>, StoreError> {
        list(self.connection(), &[application.0]).await
    }

    /// Adds a service. Constraint: `services_name_key`.
    pub async fn service_insert(&mut self, service: &NewService) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into services (id, application_id, name, kind, counts, settings, active_version_id)
            values ($1, $2, $3, $4, $5, $6, $7)
            ",
            service.id.0,
            service.application_id.0,
            service.name.as_str(),
            service.kind.as_str(),
            Json(&service.counts) as _,
            Json(&service.settings) as _,
            service.active_version_id.map(|version| version.0),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Gives a service another name. Constraint: `services_name_key`.
    pub async fn service_rename(&mut self, id: ServiceId, name: &ServiceName) -> Result<(), StoreError> {
        let result = sqlx::query!("update services set name = $2 where id = $1", id.0, name.as_str())
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Replaces what the owner wants. Answers with the new generation. `deleted` is final: a service that is condemned
    /// stays so, and the change is refused as one that met no row.
    pub async fn service_set_intent(&mut self, id: ServiceId, intent: &ServiceIntent) -> Result<i64, StoreError> {
        let generation = sqlx::query_scalar!(
            "
               update services
                  set desired           = $2,
                      counts            = $3,
                      settings          = $4,
                      variables         = $5,
                      active_version_id = $6,
                      stop_reason       = case when $2 = 'stopped' then stop_reason else '' end,
                      generation        = generation + 1
                where id = $1
                  and (desired <> 'deleted' or $2 = 'deleted')
            returning generation
            ",
            id.0,
            intent.desired.as_str(),
            Json(&intent.counts) as _,
            Json(&intent.settings) as _,
            Json(&intent.variables) as _,
            intent.active_version_id.map(|version| version.0),
        )
        .fetch_optional(self.connection())
        .await?;
        generation.ok_or(StoreError::RowsAffected { expected: 1, actual: 0 })
    }

    /// Has every instance replaced that was intended before the present generation.
    pub async fn service_restart(&mut self, id: ServiceId) -> Result<(), StoreError> {
        let result = sqlx::query!("update services set restart_generation = generation where id = $1", id.0)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Notes why somebody other than the owner stops a service; a start forgets it.
    pub async fn service_set_stop_reason(&mut self, id: ServiceId, reason: &str) -> Result<(), StoreError> {
        let result = sqlx::query!("update services set stop_reason = $2 where id = $1", id.0, reason)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }
}
