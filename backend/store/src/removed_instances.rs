//! Table `removed_instances`: instances that are gone, so that their logs can still be found.

use crate::{InstanceRole, Store, StoreError};
use aerie_domain::{InstanceId, ServiceId};
use sqlx::types::{Json, Uuid};
use std::time::Duration;
use time::OffsetDateTime;

/// An instance that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedInstanceRow {
    /// Id.
    pub id: InstanceId,
    /// The service it belonged to.
    pub service_id: ServiceId,
    /// Eight characters to call it by.
    pub short: String,
    /// Its last roles.
    pub roles: Vec<InstanceRole>,
    /// When it was intended.
    pub created_at: OffsetDateTime,
    /// When it was removed.
    pub removed_at: OffsetDateTime,
    /// Bytes of its kept log; 0 when nothing was kept.
    pub log_bytes: i64,
}

struct RemovedInstanceRaw {
    id: Uuid,
    service_id: Uuid,
    short: String,
    roles: Json<Vec<InstanceRole>>,
    created_at: OffsetDateTime,
    removed_at: OffsetDateTime,
    log_bytes: i64,
}

impl From<RemovedInstanceRaw> for RemovedInstanceRow {
    fn from(raw: RemovedInstanceRaw) -> Self {
        Self {
            id: InstanceId(raw.id),
            service_id: ServiceId(raw.service_id),
            short: raw.short,
            roles: raw.roles.0,
            created_at: raw.created_at,
            removed_at: raw.removed_at,
            log_bytes: raw.log_bytes,
        }
    }
}

impl Store {
    /// The removed instances of a service, last removed first.
    pub async fn removed_instance_list(&self, service: ServiceId) -> Result<Vec<RemovedInstanceRow>, StoreError> {
        let raw = sqlx::query_as!(
            RemovedInstanceRaw,
            r#"
              select id, service_id, short, roles as "roles: _", created_at, removed_at, log_bytes
                from removed_instances
               where service_id = $1
            order by removed_at desc, id desc
            "#,
            service.0,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(raw.into_iter().map(RemovedInstanceRow::from).collect())
    }

    /// The removed instances whose logs should go: older than `max_age`, or beyond `max_bytes` of all kept logs
    /// together, counted from the last removed one.
    pub async fn removed_instances_expired(
        &self,
        max_age: Duration,
        max_bytes: i64,
    ) -> Result<Vec<RemovedInstanceRow>, StoreError> {
        let raw = sqlx::query_as!(
            RemovedInstanceRaw,
            r#"
              select id, service_id, short, roles as "roles: _", created_at, removed_at, log_bytes
                from (select *, sum(log_bytes) over (order by removed_at desc, id desc) as kept_bytes
                        from removed_instances) removed
               where removed_at < now() - make_interval(secs => $1)
                  or kept_bytes > $2::bigint
            order by removed_at, id
            "#,
            max_age.as_secs_f64(),
            max_bytes,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(raw.into_iter().map(RemovedInstanceRow::from).collect())
    }

    /// Forgets a removed instance, after its log was deleted. Does nothing when another director was faster.
    pub async fn removed_instance_delete(&self, id: InstanceId) -> Result<(), StoreError> {
        sqlx::query!("delete from removed_instances where id = $1", id.0).execute(self.pool()).await?;
        Ok(())
    }
}
