//! Table `instance_meters`: what instances cost. Meters begin with `instance_set_healthy` and end with
//! `instance_retire`; `charging` books them.

use crate::{Store, StoreError};
use aerie_domain::{InstanceId, ServiceId};
use sqlx::types::Uuid;
use std::collections::BTreeMap;

/// What one instance costs, in thousandths of a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceCostRow {
    /// The instance.
    pub instance_id: InstanceId,
    /// Its price.
    pub per_hour_millis: i64,
    /// What it cost until now.
    pub spent_millis: i64,
}

impl Store {
    /// What several instances cost until now; those that were never healthy cost nothing and are left out.
    pub async fn instance_costs(&self, ids: &[InstanceId]) -> Result<Vec<InstanceCostRow>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            r#"
            select instance_id,
                   price_millis_per_hour,
                   greatest(0, round(price_millis_per_hour
                                     * extract(epoch from coalesce(ended_at, now()) - started_at) / 3600))::bigint
                       as "spent_millis!"
              from instance_meters
             where instance_id = any($1)
            "#,
            &ids,
        )
        .fetch_all(self.pool())
        .await?;
        let costs = rows.into_iter().map(|row| InstanceCostRow {
            instance_id: InstanceId(row.instance_id),
            per_hour_millis: row.price_millis_per_hour,
            spent_millis: row.spent_millis,
        });
        Ok(costs.collect())
    }

    /// What the instances of several services cost per hour now; services that cost nothing are left out.
    pub async fn services_per_hour(&self, ids: &[ServiceId]) -> Result<BTreeMap<ServiceId, i64>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            r#"
              select m.service_id, sum(m.price_millis_per_hour)::bigint as "per_hour_millis!"
                from instance_meters m
                join instances i on i.id = m.instance_id
               where i.service_id = any($1)
                 and m.ended_at is null
            group by m.service_id
            "#,
            &ids,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (ServiceId(row.service_id), row.per_hour_millis)).collect())
    }
}
