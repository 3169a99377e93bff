//! Counts over the whole installation, for `/metrics`.

use crate::{Store, StoreError, error::unsigned};
use aerie_domain::InstanceId;
use sqlx::types::Uuid;

/// What an instance is called by people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceNames {
    /// The instance.
    pub instance_id: InstanceId,
    /// Its short id.
    pub short: String,
    /// Its service's name.
    pub service: String,
    /// Its service's kind.
    pub kind: String,
    /// Its application's name.
    pub application: String,
    /// Its owner's user name.
    pub owner: String,
}

/// How the pool of connections is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFigures {
    /// Open connections.
    pub open: u32,
    /// Of these, not in use.
    pub idle: u32,
    /// Most that may be open.
    pub most: u32,
}

impl Store {
    /// What these instances are called. Those that are gone are left out.
    pub async fn instance_names(&self, ids: &[InstanceId]) -> Result<Vec<InstanceNames>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            "
              select i.id, i.short, s.name as service, s.kind, a.name as application, u.name as owner
                from instances i
                join services s on s.id = i.service_id
                join applications a on a.id = s.application_id
                join users u on u.id = a.owner_id
               where i.id = any($1)
            order by i.id
            ",
            &ids,
        )
        .fetch_all(self.pool())
        .await?;
        let names = rows.into_iter().map(|row| InstanceNames {
            instance_id: InstanceId(row.id),
            short: row.short,
            service: row.service,
            kind: row.kind,
            application: row.application,
            owner: row.owner,
        });
        Ok(names.collect())
    }

    /// How many operations of each kind are in each state, of those that are kept.
    pub async fn operation_counts(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        let rows = sqlx::query!(
            r#"select kind, state, count(*) as "count!" from operations group by kind, state order by kind, state"#
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(|row| Ok((row.kind, row.state, unsigned("operations", row.count)?))).collect()
    }

    /// How many services are in each state.
    pub async fn service_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query!(r#"select state, count(*) as "count!" from services group by state order by state"#)
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(|row| Ok((row.state, unsigned("services", row.count)?))).collect()
    }

    /// How many seconds the oldest event has been waiting that nobody may read yet, because an older transaction is
    /// still open; 0 when none is.
    pub async fn events_held_s(&self) -> Result<f64, StoreError> {
        let seconds = sqlx::query_scalar!(
            r#"
            select coalesce(extract(epoch from now() - min(at)), 0)::double precision as "seconds!"
              from events
             where txid >= pg_snapshot_xmin(pg_current_snapshot())
            "#
        )
        .fetch_one(self.pool())
        .await?;
        Ok(seconds)
    }

    /// How the connections are used.
    pub fn pool_figures(&self) -> PoolFigures {
        let pool = self.pool();
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        PoolFigures { open: pool.size(), idle, most: pool.options().get_max_connections() }
    }
}
