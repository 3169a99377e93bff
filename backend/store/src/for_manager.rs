//! Which services and applications there are: what the manager's reaper compares volumes and networks with.

use crate::{Store, StoreError};
use aerie_domain::{ApplicationId, ServiceId};
use sqlx::types::Uuid;

impl Store {
    /// Those of these services that exist.
    pub async fn service_ids_among(&self, ids: &[ServiceId]) -> Result<Vec<ServiceId>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let found = sqlx::query_scalar!("select id from services where id = any($1) order by id", &ids)
            .fetch_all(self.pool())
            .await?;
        Ok(found.into_iter().map(ServiceId).collect())
    }

    /// The ids of all applications.
    pub async fn application_ids(&self) -> Result<Vec<ApplicationId>, StoreError> {
        let ids = sqlx::query_scalar!("select id from applications order by id").fetch_all(self.pool()).await?;
        Ok(ids.into_iter().map(ApplicationId).collect())
    }
}
