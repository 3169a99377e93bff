//! Tables `instance_loads` and `role_loads`: falling resolution, and reading.

use crate::{
    Store, StoreError, Txn,
    error::{unsigned, word},
};
use aerie_domain::{InstanceId, RoleName, ServiceId, Times};
use time::OffsetDateTime;

/// The resolutions, from fine to coarse: seconds per slot, and seconds that such slots are kept. The second and third
/// are added up from the one before, so that one must be kept long enough to survive an outage of all directors.
const KEPT: [(i16, i64); 3] = [(5, 3600), (60, 26 * 3600), (900, 14 * 86_400)];

/// A slot of one instance. Sums over the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceLoadRow {
    /// The instance; may be gone.
    pub instance_id: InstanceId,
    /// Where the slot begins.
    pub at: OffsetDateTime,
    /// The time that the sums are about.
    pub covered_ms: u64,
    /// Processor time.
    pub cpu_ms: u64,
    /// Most memory that was seen.
    pub memory_bytes: u64,
    /// What it may use.
    pub memory_limit_bytes: u64,
    /// Bytes that came in.
    pub received_bytes: Option<u64>,
    /// Bytes that went out.
    pub sent_bytes: Option<u64>,
}

/// A slot of one role of one instance. Sums over the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleLoadRow {
    /// The instance; may be gone.
    pub instance_id: InstanceId,
    /// Its role.
    pub role: RoleName,
    /// Where the slot begins.
    pub at: OffsetDateTime,
    /// The time that the sums are about.
    pub covered_ms: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, with 400 to 499.
    pub client_errors: u64,
    /// Of these, with 500 and above.
    pub errors: u64,
    /// Most that were seen waiting.
    pub queue: u32,
    /// Most that were seen open.
    pub sessions: u32,
    /// How long requests took.
    pub times: Times,
}

impl Store {
    /// Adds finer slots up to coarser ones and forgets what is too old. Safe to repeat and for several directors: one
    /// does it at a time, others leave at once with `false`, and what is added up again is replaced.
    pub async fn loads_keep(&self) -> Result<bool, StoreError> {
        let mut txn = self.begin().await?;
        let alone =
            sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended('aerie_loads', 0)) as "alone!""#)
                .fetch_one(txn.connection())
                .await?;
        if alone {
            // After an outage there may be an hour of it; the usual limit would make it fail again and again.
            sqlx::query_scalar!(r#"select set_config('statement_timeout', '300s', true) as "set!""#)
                .fetch_one(txn.connection())
                .await?;
            for pair in KEPT.windows(2) {
                txn.instance_loads_add_up(pair[0].0, pair[1].0).await?;
                txn.role_loads_add_up(pair[0].0, pair[1].0).await?;
                txn.figure_loads_add_up(pair[0].0, pair[1].0).await?;
            }
            for (step_s, seconds) in KEPT {
                txn.loads_forget(step_s, seconds).await?;
                txn.figure_loads_forget(step_s, seconds).await?;
            }
        }
        txn.commit().await?;
        Ok(alone)
    }

    /// The slots of a service's instances from `from` on, before `to`, of at most `step_s` seconds each: coarse ones
    /// as far as they have been added up, finer ones after that, so that nothing counts twice.
    pub async fn instance_loads(
        &self,
        service: ServiceId,
        step_s: u32,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Vec<InstanceLoadRow>, StoreError> {
        let rows = sqlx::query!(
            r#"
            with coarse as (
                select coalesce(max(at) + interval '15 minutes', $3) as until
                  from instance_loads
                 where service_id = $1 and step_s = 900 and $2 >= 900
            ), middle as (
                select greatest(coarse.until, (select max(at) + interval '1 minute'
                                                 from instance_loads
                                                where service_id = $1 and step_s = 60 and $2 >= 60)) as until
                  from coarse
            )
              select l.instance_id, l.at, l.covered_ms, l.cpu_ms, l.memory_bytes, l.memory_limit_bytes,
                     l.received_bytes, l.sent_bytes
                from instance_loads l, coarse, middle
               where l.service_id = $1
                 and l.at >= $3
                 and l.at < $4
                 and (   l.step_s = 900 and $2 >= 900
                      or l.step_s = 60 and $2 >= 60 and l.at >= coarse.until
                      or l.step_s = 5 and l.at >= middle.until)
            order by l.at, l.instance_id
            "#,
            service.0,
            i32::try_from(step_s).unwrap_or(i32::MAX),
            from,
            to,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(InstanceLoadRow {
                    instance_id: InstanceId(row.instance_id),
                    at: row.at,
                    covered_ms: unsigned("instance_loads.covered_ms", row.covered_ms)?,
                    cpu_ms: unsigned("instance_loads.cpu_ms", row.cpu_ms)?,
                    memory_bytes: unsigned("instance_loads.memory_bytes", row.memory_bytes)?,
                    memory_limit_bytes: unsigned("instance_loads.memory_limit_bytes", row.memory_limit_bytes)?,
                    received_bytes: row
                        .received_bytes
                        .map(|n| unsigned("instance_loads.received_bytes", n))
                        .transpose()?,
                    sent_bytes: row.sent_bytes.map(|n| unsigned("instance_loads.sent_bytes", n)).transpose()?,
                })
            })
            .collect()
    }

    /// The same for the roles of a service's instances.
    pub async fn role_loads(
        &self,
        service: ServiceId,
        step_s: u32,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Vec<RoleLoadRow>, StoreError> {
        let rows = sqlx::query!(
            r#"
            with coarse as (
                select coalesce(max(at) + interval '15 minutes', $3) as until
                  from role_loads
                 where service_id = $1 and step_s = 900 and $2 >= 900
            ), middle as (
                select greatest(coarse.until, (select max(at) + interval '1 minute'
                                                 from role_loads
                                                where service_id = $1 and step_s = 60 and $2 >= 60)) as until
                  from coarse
            )
              select l.instance_id, l.role, l.at, l.covered_ms, l.requests, l.client_errors, l.errors, l.queue,
                     l.sessions, l.buckets, l.counts
                from role_loads l, coarse, middle
               where l.service_id = $1
                 and l.at >= $3
                 and l.at < $4
                 and (   l.step_s = 900 and $2 >= 900
                      or l.step_s = 60 and $2 >= 60 and l.at >= coarse.until
                      or l.step_s = 5 and l.at >= middle.until)
            order by l.at, l.instance_id, l.role
            "#,
            service.0,
            i32::try_from(step_s).unwrap_or(i32::MAX),
            from,
            to,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RoleLoadRow {
                    instance_id: InstanceId(row.instance_id),
                    role: word("role_loads.role", &row.role)?,
                    at: row.at,
                    covered_ms: unsigned("role_loads.covered_ms", row.covered_ms)?,
                    requests: unsigned("role_loads.requests", row.requests)?,
                    client_errors: unsigned("role_loads.client_errors", row.client_errors)?,
                    errors: unsigned("role_loads.errors", row.errors)?,
                    queue: unsigned("role_loads.queue", row.queue)?,
                    sessions: unsigned("role_loads.sessions", row.sessions)?,
                    times: times(&row.buckets, &row.counts)?,
                })
            })
            .collect()
    }
}

fn times(buckets: &[i16], counts: &[i64]) -> Result<Times, StoreError> {
    let mut times = Times::default();
    for (bucket, count) in buckets.iter().zip(counts) {
        times.add(unsigned("role_loads.buckets", *bucket)?, unsigned("role_loads.counts", *count)?);
    }
    Ok(times)
}

impl Txn<'_> {
    /// Adds slots of `fine` seconds up to slots of `coarse` seconds: all that are over and not added up yet; or, when the
    /// clock was set back so that the newest lies ahead, the last three. Nothing is written to a slot that is over by ten
    /// seconds: batches go to the slot of now.
    async fn instance_loads_add_up(&mut self, fine: i16, coarse: i16) -> Result<(), StoreError> {
        sqlx::query!(
            "
            with span as (
                select make_interval(secs => $2::smallint) as step,
                       date_bin(make_interval(secs => $2::smallint), now() - interval '10 seconds', 'epoch') as until
            ), done as (
                select case when last.at + span.step > span.until then span.until - 3 * span.step
                            else coalesce(last.at + span.step, '-infinity')
                       end as since
                  from span, (select max(at) as at from instance_loads where step_s = $2) as last
            )
            insert into instance_loads as kept
                        (service_id, step_s, at, instance_id, covered_ms, cpu_ms, memory_bytes, memory_limit_bytes,
                         received_bytes, sent_bytes)
                 select l.service_id, $2, date_bin(span.step, l.at, 'epoch'), l.instance_id, sum(l.covered_ms)::bigint,
                        sum(l.cpu_ms)::bigint, max(l.memory_bytes), max(l.memory_limit_bytes),
                        sum(l.received_bytes)::bigint, sum(l.sent_bytes)::bigint
                   from instance_loads l, span, done
                  where l.step_s = $1
                    and l.at >= done.since
                    and l.at < span.until
               group by l.service_id, l.instance_id, date_bin(span.step, l.at, 'epoch')
            on conflict on constraint instance_loads_pkey do update
                    set covered_ms         = excluded.covered_ms,
                        cpu_ms             = excluded.cpu_ms,
                        memory_bytes       = excluded.memory_bytes,
                        memory_limit_bytes = excluded.memory_limit_bytes,
                        received_bytes     = excluded.received_bytes,
                        sent_bytes         = excluded.sent_bytes
                  where kept.covered_ms < excluded.covered_ms
            ",
            fine,
            coarse,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The same for roles. Histograms are added up bucket by bucket.
    async fn role_loads_add_up(&mut self, fine: i16, coarse: i16) -> Result<(), StoreError> {
        sqlx::query!(
            "
            with span as (
                select make_interval(secs => $2::smallint) as step,
                       date_bin(make_interval(secs => $2::smallint), now() - interval '10 seconds', 'epoch') as until
            ), done as (
                select case when last.at + span.step > span.until then span.until - 3 * span.step
                            else coalesce(last.at + span.step, '-infinity')
                       end as since
                  from span, (select max(at) as at from role_loads where step_s = $2) as last
            ), source as (
                select date_bin(span.step, l.at, 'epoch') as slot, l.*
                  from role_loads l, span, done
                 where l.step_s = $1
                   and l.at >= done.since
                   and l.at < span.until
            ), sums as (
                  select service_id, slot, instance_id, role, sum(covered_ms)::bigint as covered_ms,
                         sum(requests)::bigint as requests, sum(client_errors)::bigint as client_errors,
                         sum(errors)::bigint as errors, max(queue) as queue, max(sessions) as sessions
                    from source
                group by service_id, slot, instance_id, role
            ), merged as (
                  select s.slot, s.instance_id, s.role, b.bucket, sum(b.count)::bigint as count
                    from source s, unnest(s.buckets, s.counts) as b (bucket, count)
                group by s.slot, s.instance_id, s.role, b.bucket
            ), histograms as (
                  select slot, instance_id, role, array_agg(bucket order by bucket) as buckets,
                         array_agg(count order by bucket) as counts
                    from merged
                group by slot, instance_id, role
            )
            insert into role_loads as kept
                        (service_id, step_s, at, instance_id, role, covered_ms, requests, client_errors, errors, queue,
                         sessions, buckets, counts)
                 select s.service_id, $2, s.slot, s.instance_id, s.role, s.covered_ms, s.requests, s.client_errors,
                        s.errors, s.queue, s.sessions, coalesce(h.buckets, '{}'), coalesce(h.counts, '{}')
                   from sums s
              left join histograms h on (h.slot, h.instance_id, h.role) = (s.slot, s.instance_id, s.role)
            on conflict on constraint role_loads_pkey do update
                    set covered_ms    = excluded.covered_ms,
                        requests      = excluded.requests,
                        client_errors = excluded.client_errors,
                        errors        = excluded.errors,
                        queue         = excluded.queue,
                        sessions      = excluded.sessions,
                        buckets       = excluded.buckets,
                        counts        = excluded.counts
                  where kept.covered_ms < excluded.covered_ms
            ",
            fine,
            coarse,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn loads_forget(&mut self, step_s: i16, seconds: i64) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from instance_loads where step_s = $1 and at < now() - make_interval(secs => $2::bigint)",
            step_s,
            seconds,
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "delete from role_loads where step_s = $1 and at < now() - make_interval(secs => $2::bigint)",
            step_s,
            seconds,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
