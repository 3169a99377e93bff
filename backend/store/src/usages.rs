//! Table `instance_usages`.

use crate::{Store, StoreError, error::unsigned};
use aerie_domain::InstanceId;
use sqlx::types::Uuid;
use time::OffsetDateTime;

/// What an instance uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRow {
    /// The instance.
    pub instance_id: InstanceId,
    /// When measured.
    pub at: OffsetDateTime,
    /// Processor time, thousandths of a core.
    pub cpu_millis: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
}

impl Store {
    /// Replaces what is known of an instance's usage. Does nothing when the instance is gone.
    pub async fn instance_usage(&self, id: InstanceId, cpu_millis: u32, memory_bytes: u64) -> Result<(), StoreError> {
        sqlx::query!(
            "
            insert into instance_usages (instance_id, at, cpu_millis, memory_bytes)
            select id, now(), $2, $3
              from instances
             where id = $1
                on conflict (instance_id) do update
               set at           = excluded.at,
                   cpu_millis   = excluded.cpu_millis,
                   memory_bytes = excluded.memory_bytes
            ",
            id.0,
            i32::try_from(cpu_millis).unwrap_or(i32::MAX),
            i64::try_from(memory_bytes).unwrap_or(i64::MAX),
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// What several instances use now. Those that have not told for half a minute are left out: old numbers mislead.
    pub async fn usages(&self, ids: &[InstanceId]) -> Result<Vec<UsageRow>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            "
            select instance_id, at, cpu_millis, memory_bytes
              from instance_usages
             where instance_id = any($1)
               and at > now() - interval '30 seconds'
            ",
            &ids,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(UsageRow {
                    instance_id: InstanceId(row.instance_id),
                    at: row.at,
                    cpu_millis: unsigned("instance_usages.cpu_millis", row.cpu_millis)?,
                    memory_bytes: unsigned("instance_usages.memory_bytes", row.memory_bytes)?,
                })
            })
            .collect()
    }
}
