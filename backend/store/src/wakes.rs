//! Wake-ups: hints to managers and agent listeners, in whatever director they are. One may be lost with its connection;
//! the periodic pass makes up for it.

use crate::{Store, StoreError, Txn};
use aerie_domain::{InstanceId, KindName, ServiceId};
use sqlx::PgExecutor;

async fn notify(executor: impl PgExecutor<'_>, payload: &str) -> Result<(), StoreError> {
    sqlx::query!("select pg_notify('aerie_wake', $1)", payload).execute(executor).await?;
    Ok(())
}

impl Store {
    /// Wakes the manager of a service, now.
    pub async fn wake_service(&self, id: ServiceId) -> Result<(), StoreError> {
        notify(self.pool(), &format!("service {id}")).await
    }

    /// Has an instance's configuration pushed, now.
    pub async fn wake_config(&self, id: InstanceId) -> Result<(), StoreError> {
        notify(self.pool(), &format!("config {id}")).await
    }
}

impl Txn<'_> {
    /// Wakes the manager of a service when the transaction commits.
    pub async fn wake_service(&mut self, id: ServiceId) -> Result<(), StoreError> {
        notify(self.connection(), &format!("service {id}")).await
    }

    /// Wakes the managers of all services of these kinds when the transaction commits.
    pub async fn wake_kinds(&mut self, kinds: &[KindName]) -> Result<(), StoreError> {
        let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        sqlx::query!("select pg_notify('aerie_wake', 'service ' || id) from services where kind = any($1)", &kinds)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Wakes the managers of the services that have volumes whose content this service keeps, when the transaction commits.
    pub async fn wake_users_of_carried(&mut self, carrier: ServiceId) -> Result<(), StoreError> {
        sqlx::query!(
            "
            select pg_notify('aerie_wake', 'service ' || a.service_id)
              from service_volumes a
              join volumes v on v.id = a.volume_id
             where v.carried_by = $1
            ",
            carrier.0,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Has an instance's configuration pushed when the transaction commits.
    pub async fn wake_config(&mut self, id: InstanceId) -> Result<(), StoreError> {
        notify(self.connection(), &format!("config {id}")).await
    }
}
