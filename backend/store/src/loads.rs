//! Tables `instance_loads` and `role_loads`: what agents tell, written in batches.
//!
//! Adding up and forgetting is in `loads_kept`.

use crate::{FigureLoad, Store, StoreError, Txn, error::unsigned};
use aerie_domain::{InstanceId, RoleName, ServiceId, Times};
use serde::Serialize;
use sqlx::types::{Json, Uuid};
use time::OffsetDateTime;

/// Seconds of the finest slots.
pub const FINEST_STEP_S: u32 = 5;

/// What an instance used since the last batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceLoad {
    /// The instance.
    pub instance_id: InstanceId,
    /// The time that this is about.
    pub covered_ms: u64,
    /// Processor time.
    pub cpu_ms: u64,
    /// Most memory that was seen.
    pub memory_bytes: u64,
    /// What it may use.
    pub memory_limit_bytes: u64,
    /// Bytes that came in; nothing on the host's network.
    pub received_bytes: Option<u64>,
    /// Bytes that went out.
    pub sent_bytes: Option<u64>,
}

/// What a role of an instance did since the last batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleLoad {
    /// The instance.
    pub instance_id: InstanceId,
    /// Its role.
    pub role: RoleName,
    /// The time that this is about.
    pub covered_ms: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, with 400 to 499.
    pub client_errors: u64,
    /// Of these, with 500 and above.
    pub errors: u64,
    /// Most requests that were seen waiting.
    pub queue: u32,
    /// Most open connections that were seen.
    pub sessions: u32,
    /// How long requests took.
    pub times: Times,
}

/// [`RoleLoad`] as the statement wants it.
#[derive(Serialize)]
struct RoleParameter<'a> {
    instance_id: InstanceId,
    role: &'a RoleName,
    covered_ms: u64,
    requests: u64,
    client_errors: u64,
    errors: u64,
    queue: u32,
    sessions: u32,
    buckets: Vec<u8>,
    counts: Vec<u64>,
}

/// What an instance uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRow {
    /// The instance.
    pub instance_id: InstanceId,
    /// Processor time, thousandths of a core.
    pub cpu_millis: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
}

impl Store {
    /// Adds a batch to the slot of now: all instances whose agents this director listens to, in one transaction.
    /// Instances that are gone are left out. Answers the database's time, which decides when slots begin.
    pub async fn loads_record(
        &self,
        instances: &[InstanceLoad],
        roles: &[RoleLoad],
        figures: &[FigureLoad],
    ) -> Result<OffsetDateTime, StoreError> {
        let mut txn = self.begin().await?;
        // Not worth a wait for the disk: a crash of the database may cost the newest slot.
        sqlx::query_scalar!(r#"select set_config('synchronous_commit', 'off', true) as "set!""#)
            .fetch_one(txn.connection())
            .await?;
        txn.instance_loads_add(instances).await?;
        txn.role_loads_add(roles).await?;
        txn.figure_loads_add(figures).await?;
        let now = sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(txn.connection()).await?;
        txn.commit().await?;
        Ok(now)
    }

    /// What a service's instances use now: the newest slot of each. Those that have not told for half a minute are left
    /// out: old numbers mislead.
    pub async fn usages(&self, service: ServiceId) -> Result<Vec<UsageRow>, StoreError> {
        let rows = sqlx::query!(
            r#"
              select distinct on (instance_id)
                     instance_id,
                     (cpu_ms * 1000 / greatest(covered_ms, 1))::integer as "cpu_millis!",
                     memory_bytes
                from instance_loads
               where service_id = $1
                 and step_s = 5
                 and at > now() - interval '30 seconds'
            order by instance_id, at desc
            "#,
            service.0,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(UsageRow {
                    instance_id: InstanceId(row.instance_id),
                    cpu_millis: unsigned("instance_loads.cpu_ms", row.cpu_millis)?,
                    memory_bytes: unsigned("instance_loads.memory_bytes", row.memory_bytes)?,
                })
            })
            .collect()
    }
}

impl Txn<'_> {
    async fn instance_loads_add(&mut self, loads: &[InstanceLoad]) -> Result<(), StoreError> {
        sqlx::query!(
            "
            insert into instance_loads as kept
                        (service_id, step_s, at, instance_id, covered_ms, cpu_ms, memory_bytes, memory_limit_bytes,
                         received_bytes, sent_bytes)
                 select i.service_id, 5, date_bin('5 seconds', now(), 'epoch'), l.instance_id, l.covered_ms, l.cpu_ms,
                        l.memory_bytes, l.memory_limit_bytes, l.received_bytes, l.sent_bytes
                   from jsonb_to_recordset($1)
                        as l (instance_id uuid, covered_ms bigint, cpu_ms bigint, memory_bytes bigint,
                              memory_limit_bytes bigint, received_bytes bigint, sent_bytes bigint)
                   join instances i on i.id = l.instance_id
            on conflict on constraint instance_loads_pkey do update
                    set covered_ms         = kept.covered_ms + excluded.covered_ms,
                        cpu_ms             = kept.cpu_ms + excluded.cpu_ms,
                        memory_bytes       = greatest(kept.memory_bytes, excluded.memory_bytes),
                        memory_limit_bytes = excluded.memory_limit_bytes,
                        received_bytes     = coalesce(kept.received_bytes + excluded.received_bytes,
                                                      kept.received_bytes, excluded.received_bytes),
                        sent_bytes         = coalesce(kept.sent_bytes + excluded.sent_bytes,
                                                      kept.sent_bytes, excluded.sent_bytes)
            ",
            Json(loads) as _,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// A slot that has a row already (two batches came close together) keeps its histogram and gets the other's added.
    async fn role_loads_add(&mut self, loads: &[RoleLoad]) -> Result<(), StoreError> {
        let parameters: Vec<RoleParameter<'_>> = loads.iter().map(parameter).collect();
        sqlx::query!(
            "
            insert into role_loads as kept
                        (service_id, step_s, at, instance_id, role, covered_ms, requests, client_errors, errors, queue,
                         sessions, buckets, counts)
                 select i.service_id, 5, date_bin('5 seconds', now(), 'epoch'), l.instance_id, l.role, l.covered_ms,
                        l.requests, l.client_errors, l.errors, l.queue, l.sessions, l.buckets, l.counts
                   from jsonb_to_recordset($1)
                        as l (instance_id uuid, role text, covered_ms bigint, requests bigint, client_errors bigint,
                              errors bigint, queue integer, sessions integer, buckets smallint[], counts bigint[])
                   join instances i on i.id = l.instance_id
            on conflict on constraint role_loads_pkey do update
                    set covered_ms    = kept.covered_ms + excluded.covered_ms,
                        requests      = kept.requests + excluded.requests,
                        client_errors = kept.client_errors + excluded.client_errors,
                        errors        = kept.errors + excluded.errors,
                        queue         = greatest(kept.queue, excluded.queue),
                        sessions      = greatest(kept.sessions, excluded.sessions),
                        -- a bucket may be named twice: readers add up
                        buckets       = kept.buckets || excluded.buckets,
                        counts        = kept.counts || excluded.counts
            ",
            Json(parameters) as _,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets all that is kept of a service.
    pub(crate) async fn loads_delete(&mut self, service: ServiceId) -> Result<(), StoreError> {
        let service: Uuid = service.0;
        sqlx::query!("delete from instance_loads where service_id = $1", service).execute(self.connection()).await?;
        sqlx::query!("delete from role_loads where service_id = $1", service).execute(self.connection()).await?;
        self.figure_loads_delete(ServiceId(service)).await
    }
}

fn parameter(load: &RoleLoad) -> RoleParameter<'_> {
    let RoleLoad { instance_id, role, covered_ms, requests, client_errors, errors, queue, sessions, times } = load;
    let (buckets, counts) = times.buckets().unzip();
    RoleParameter {
        instance_id: *instance_id,
        role,
        covered_ms: *covered_ms,
        requests: *requests,
        client_errors: *client_errors,
        errors: *errors,
        queue: *queue,
        sessions: *sessions,
        buckets,
        counts,
    }
}
