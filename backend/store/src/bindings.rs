//! Table `service_bindings`: which service uses which.

use crate::{Store, StoreError, Txn};
use aerie_domain::{ApplicationId, ServiceId};
use sqlx::{PgExecutor, types::Uuid};

/// A service that uses another one of its application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRow {
    /// The one that uses.
    pub service_id: ServiceId,
    /// The one that is used.
    pub uses_id: ServiceId,
    /// Beginning of the names of the variables that the user gets.
    pub prefix: String,
}

struct BindingRaw {
    service_id: Uuid,
    uses_id: Uuid,
    prefix: String,
}

impl From<BindingRaw> for BindingRow {
    fn from(raw: BindingRaw) -> Self {
        Self { service_id: ServiceId(raw.service_id), uses_id: ServiceId(raw.uses_id), prefix: raw.prefix }
    }
}

async fn of_application(
    executor: impl PgExecutor<'_>,
    application: ApplicationId,
) -> Result<Vec<BindingRow>, StoreError> {
    let raw = sqlx::query_as!(
        BindingRaw,
        "
        select b.service_id,
               b.uses_id,
               b.prefix
          from service_bindings b
          join services s on s.id = b.service_id
         where s.application_id = $1
         order by b.created_at, b.uses_id
        ",
        application.0,
    )
    .fetch_all(executor)
    .await?;
    Ok(raw.into_iter().map(BindingRow::from).collect())
}

impl Store {
    /// All bindings between services of an application, oldest first.
    pub async fn bindings_of_application(&self, application: ApplicationId) -> Result<Vec<BindingRow>, StoreError> {
        of_application(self.pool(), application).await
    }

    /// What a service uses, oldest binding first.
    pub async fn bindings_of_service(&self, service: ServiceId) -> Result<Vec<BindingRow>, StoreError> {
        let raw = sqlx::query_as!(
            BindingRaw,
            "
            select service_id,
                   uses_id,
                   prefix
              from service_bindings
             where service_id = $1
             order by created_at, uses_id
            ",
            service.0,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(raw.into_iter().map(BindingRow::from).collect())
    }
}

impl Txn<'_> {
    /// [`Store::bindings_of_application`] inside the transaction.
    pub async fn bindings_of_application(&mut self, id: ApplicationId) -> Result<Vec<BindingRow>, StoreError> {
        of_application(self.connection(), id).await
    }

    /// Lets a service use another one, or gives the binding another prefix. Constraint: `service_bindings_prefix_key`.
    pub async fn binding_put(&mut self, binding: &BindingRow) -> Result<(), StoreError> {
        sqlx::query!(
            "
            insert into service_bindings (service_id, uses_id, prefix)
            values ($1, $2, $3)
                on conflict (service_id, uses_id) do update set prefix = excluded.prefix
            ",
            binding.service_id.0,
            binding.uses_id.0,
            binding.prefix,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a binding; tells whether there was one.
    pub async fn binding_delete(&mut self, service: ServiceId, uses: ServiceId) -> Result<bool, StoreError> {
        let result =
            sqlx::query!("delete from service_bindings where service_id = $1 and uses_id = $2", service.0, uses.0,)
                .execute(self.connection())
                .await?;
        Ok(result.rows_affected() > 0)
    }

    /// Ends all bindings to a service, and answers with those that used it.
    pub async fn bindings_end(&mut self, used: ServiceId) -> Result<Vec<ServiceId>, StoreError> {
        let ids = sqlx::query_scalar!("delete from service_bindings where uses_id = $1 returning service_id", used.0)
            .fetch_all(self.connection())
            .await?;
        Ok(ids.into_iter().map(ServiceId).collect())
    }
}
