//! Table `services`: what their managers make of their owners' wishes, and how a service ends.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::{ApplicationId, CodeVersionId, ServiceId, ServiceState};
use sqlx::types::Uuid;

/// The part of a service that its manager decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Where it is.
    pub state: ServiceState,
    /// Why, in words for a student.
    pub reason: String,
    /// The generation that the world agrees with.
    pub observed_generation: i64,
    /// Failed attempts in a row.
    pub failures: i32,
}

impl Store {
    /// The services that need a manager: all but those that are stopped, agree with their owner and have no instances.
    pub async fn managed_services(&self) -> Result<Vec<ServiceId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "
              select s.id
                from services s
               where s.desired <> 'stopped'
                  or s.state not in ('INIT', 'STOPPED')
                  or s.observed_generation < s.generation
                  or exists (select from instances i where i.service_id = s.id)
            order by s.id
            ",
        )
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(ServiceId).collect())
    }
}

impl Txn<'_> {
    /// Sets the status; since when the state holds moves only when the state does. False when nothing was new.
    pub async fn service_set_status(&mut self, id: ServiceId, status: &ServiceStatus) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update services
               set state               = $2,
                   reason              = $3,
                   observed_generation = $4,
                   failures            = $5,
                   state_since         = case when state = $2 then state_since else now() end
             where id = $1
               and (state, reason, observed_generation, failures) is distinct from ($2, $3, $4::bigint, $5::integer)
            ",
            id.0,
            status.state.as_str(),
            status.reason,
            status.observed_generation,
            status.failures,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Notes which version visitors get from now on; the one they got before becomes the previous one. False when they
    /// got it already.
    pub async fn service_set_serving(&mut self, id: ServiceId, version: CodeVersionId) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update services
               set previous_version_id = serving_version_id,
                   serving_version_id  = $2
             where id = $1
               and serving_version_id is distinct from $2
            ",
            id.0,
            version.0,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Notes how many slots may have data that is nowhere else.
    pub async fn service_set_slots_kept(&mut self, id: ServiceId, slots: i32) -> Result<(), StoreError> {
        let result = sqlx::query!("update services set slots_kept = $2 where id = $1", id.0, slots)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Removes a service that has no instances (else `instances_service_id_fkey`), with its versions, logs and lease,
    /// and its application too if that is condemned and this was its last service. True when the application is gone.
    pub async fn service_delete(&mut self, id: ServiceId) -> Result<bool, StoreError> {
        // Two managers that remove the last two services of an application take turns here; otherwise each would still
        // see the other's service, and the application would stay for ever.
        let application = self.application_of_service_lock(id).await?;
        self.service_row_delete(id).await?;
        self.lease_delete(id).await?;
        self.loads_delete(id).await?;
        self.application_delete_if_over(application).await
    }

    async fn application_of_service_lock(&mut self, id: ServiceId) -> Result<ApplicationId, StoreError> {
        let application = sqlx::query_scalar!(
            "select a.id from applications a join services s on s.application_id = a.id where s.id = $1 for update of a",
            id.0,
        )
        .fetch_optional(self.connection())
        .await?;
        application.map(ApplicationId).ok_or(StoreError::RowsAffected { expected: 1, actual: 0 })
    }

    async fn service_row_delete(&mut self, id: ServiceId) -> Result<(), StoreError> {
        let result = sqlx::query!("delete from services where id = $1", id.0).execute(self.connection()).await?;
        ensure_affected(&result, 1)
    }

    /// Wakes the managers of several services.
    pub async fn wake_services(&mut self, ids: &[ServiceId]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        sqlx::query!(
            "select pg_notify('aerie_wake', 'service ' || woken.id) from unnest($1::uuid[]) as woken (id)",
            &ids,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
