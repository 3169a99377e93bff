//! Table `service_secrets`: passwords that the platform made for services.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::ServiceId;
use sqlx::types::Uuid;
use std::{collections::BTreeMap, fmt};

/// Passwords of a service, by name. Without its values in `Debug`: that ends in logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(pub BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Store {
    /// The secrets of some services. Services without any are missing.
    pub async fn secrets(&self, services: &[ServiceId]) -> Result<BTreeMap<ServiceId, Secrets>, StoreError> {
        let ids: Vec<Uuid> = services.iter().map(|id| id.0).collect();
        let rows = sqlx::query!("select service_id, name, value from service_secrets where service_id = any($1)", &ids)
            .fetch_all(self.pool())
            .await?;
        let mut secrets: BTreeMap<ServiceId, Secrets> = BTreeMap::new();
        for row in rows {
            secrets.entry(ServiceId(row.service_id)).or_default().0.insert(row.name, row.value);
        }
        Ok(secrets)
    }
}

impl Txn<'_> {
    /// Adds those secrets that the service does not have yet; others keep their value.
    pub async fn secrets_complete(&mut self, service: ServiceId, made: &Secrets) -> Result<(), StoreError> {
        let names: Vec<String> = made.0.keys().cloned().collect();
        let values: Vec<String> = made.0.values().cloned().collect();
        sqlx::query!(
            "
            insert into service_secrets (service_id, name, value)
            select $1, name, value
              from unnest($2::text[], $3::text[]) as made (name, value)
                on conflict do nothing
            ",
            service.0,
            &names,
            &values,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Puts another value in the place of a secret that is there.
    pub async fn secret_replace(&mut self, service: ServiceId, name: &str, value: &str) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update service_secrets set value = $3, made_at = now() where service_id = $1 and name = $2",
            service.0,
            name,
            value,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }
}
