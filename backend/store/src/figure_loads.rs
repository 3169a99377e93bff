//! Table `figure_loads`: figures that programs of kinds tell, over time. Written, added up and forgotten with the rest of
//! the load (`loads`, `loads_kept`).

use crate::{
    Store, StoreError, Txn,
    error::{unsigned, word},
};
use aerie_domain::{InstanceId, RoleName, ServiceId};
use serde::Serialize;
use sqlx::types::{Json, Uuid};
use time::OffsetDateTime;

/// What a figure of an instance was since the last batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigureLoad {
    /// The instance.
    pub instance_id: InstanceId,
    /// Its role.
    pub role: RoleName,
    /// The figure.
    pub name: String,
    /// All samples added up.
    pub total: f64,
    /// How many.
    pub samples: u64,
}

/// A slot of one figure.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureLoadRow {
    /// The service.
    pub service_id: ServiceId,
    /// The instance; may be gone.
    pub instance_id: InstanceId,
    /// Its role.
    pub role: RoleName,
    /// The figure.
    pub name: String,
    /// Where the slot begins.
    pub at: OffsetDateTime,
    /// All samples added up.
    pub total: f64,
    /// How many.
    pub samples: u64,
}

struct FigureLoadRaw {
    service_id: Uuid,
    instance_id: Uuid,
    role: String,
    name: String,
    at: OffsetDateTime,
    total: f64,
    samples: i64,
}

impl TryFrom<FigureLoadRaw> for FigureLoadRow {
    type Error = StoreError;

    fn try_from(raw: FigureLoadRaw) -> Result<Self, StoreError> {
        Ok(Self {
            service_id: ServiceId(raw.service_id),
            instance_id: InstanceId(raw.instance_id),
            role: word("figure_loads.role", &raw.role)?,
            name: raw.name,
            at: raw.at,
            total: raw.total,
            samples: unsigned("figure_loads.samples", raw.samples)?,
        })
    }
}

/// What visitors ask of a role of an instance now.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestsNowRow {
    /// The service.
    pub service_id: ServiceId,
    /// The role.
    pub role: RoleName,
    /// Requests per second.
    pub per_second: f64,
}

impl Store {
    /// The figures of a service's instances from `from` on, before `to`, as [`Store::role_loads`] gives requests.
    pub async fn figure_loads(
        &self,
        service: ServiceId,
        step_s: u32,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Vec<FigureLoadRow>, StoreError> {
        let raw = sqlx::query_as!(
            FigureLoadRaw,
            "
            with coarse as (
                select coalesce(max(at) + interval '15 minutes', $3) as until
                  from figure_loads
                 where service_id = $1 and step_s = 900 and $2 >= 900
            ), middle as (
                select greatest(coarse.until, (select max(at) + interval '1 minute'
                                                 from figure_loads
                                                where service_id = $1 and step_s = 60 and $2 >= 60)) as until
                  from coarse
            )
              select l.service_id, l.instance_id, l.role, l.name, l.at, l.total, l.samples
                from figure_loads l, coarse, middle
               where l.service_id = $1
                 and l.at >= $3
                 and l.at < $4
                 and (   l.step_s = 900 and $2 >= 900
                      or l.step_s = 60 and $2 >= 60 and l.at >= coarse.until
                      or l.step_s = 5 and l.at >= middle.until)
            order by l.at, l.instance_id, l.role, l.name
            ",
            service.0,
            i32::try_from(step_s).unwrap_or(i32::MAX),
            from,
            to,
        )
        .fetch_all(self.pool())
        .await?;
        raw.into_iter().map(FigureLoadRow::try_from).collect()
    }

    /// The newest slot of each figure of these services. Those of which nothing was told for half a minute are left out, and
    /// instances that are gone: old numbers mislead, and one that was replaced would count twice.
    pub async fn figures_now(&self, services: &[ServiceId]) -> Result<Vec<FigureLoadRow>, StoreError> {
        let ids: Vec<Uuid> = services.iter().map(|id| id.0).collect();
        let raw = sqlx::query_as!(
            FigureLoadRaw,
            "
              select distinct on (service_id, instance_id, role, name)
                     service_id, instance_id, role, name, at, total, samples
                from figure_loads
               where service_id = any($1)
                 and step_s = 5
                 and at > now() - interval '30 seconds'
                 and instance_id in (select id from instances)
            order by service_id, instance_id, role, name, at desc
            ",
            &ids,
        )
        .fetch_all(self.pool())
        .await?;
        raw.into_iter().map(FigureLoadRow::try_from).collect()
    }

    /// Requests per second of one role of each of these services, if its requests are counted, by the slots of the last 20
    /// seconds.
    pub async fn requests_now(&self, roles: &[(ServiceId, RoleName)]) -> Result<Vec<RequestsNowRow>, StoreError> {
        let (ids, names): (Vec<Uuid>, Vec<String>) = roles.iter().map(|(id, name)| (id.0, name.to_string())).unzip();
        let rows = sqlx::query!(
            r#"
            with each as (
                  select l.service_id, l.role, sum(l.requests) * 1000.0 / greatest(sum(l.covered_ms), 1) as per_second
                    from unnest($1::uuid[], $2::text[]) as wanted (service_id, role)
                    join role_loads l on l.service_id = wanted.service_id and l.role = wanted.role
                   where l.step_s = 5
                     and l.at > now() - interval '20 seconds'
                group by l.service_id, l.role, l.instance_id
            )
              select service_id, role, sum(per_second)::double precision as "per_second!"
                from each
            group by service_id, role
            "#,
            &ids,
            &names,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RequestsNowRow {
                    service_id: ServiceId(row.service_id),
                    role: word("role_loads.role", &row.role)?,
                    per_second: row.per_second,
                })
            })
            .collect()
    }
}

impl Txn<'_> {
    /// Adds a batch to the slot of now. Instances that are gone are left out.
    pub(crate) async fn figure_loads_add(&mut self, loads: &[FigureLoad]) -> Result<(), StoreError> {
        if loads.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "
            insert into figure_loads as kept (service_id, step_s, at, instance_id, role, name, total, samples)
                 select i.service_id, 5, date_bin('5 seconds', now(), 'epoch'), l.instance_id, l.role, l.name, l.total,
                        l.samples
                   from jsonb_to_recordset($1)
                        as l (instance_id uuid, role text, name text, total double precision, samples bigint)
                   join instances i on i.id = l.instance_id
            on conflict on constraint figure_loads_pkey do update
                    set total   = kept.total + excluded.total,
                        samples = kept.samples + excluded.samples
            ",
            Json(loads) as _,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Adds slots of `fine` seconds up to slots of `coarse` seconds, as is done with roles.
    pub(crate) async fn figure_loads_add_up(&mut self, fine: i16, coarse: i16) -> Result<(), StoreError> {
        sqlx::query!(
            "
            with span as (
                select make_interval(secs => $2::smallint) as step,
                       date_bin(make_interval(secs => $2::smallint), now() - interval '10 seconds', 'epoch') as until
            ), done as (
                select case when last.at + span.step > span.until then span.until - 3 * span.step
                            else coalesce(last.at + span.step, '-infinity')
                       end as since
                  from span, (select max(at) as at from figure_loads where step_s = $2) as last
            )
            insert into figure_loads as kept (service_id, step_s, at, instance_id, role, name, total, samples)
                 select l.service_id, $2, date_bin(span.step, l.at, 'epoch'), l.instance_id, l.role, l.name,
                        sum(l.total), sum(l.samples)::bigint
                   from figure_loads l, span, done
                  where l.step_s = $1
                    and l.at >= done.since
                    and l.at < span.until
               group by l.service_id, l.instance_id, l.role, l.name, date_bin(span.step, l.at, 'epoch')
            on conflict on constraint figure_loads_pkey do update
                    set total   = excluded.total,
                        samples = excluded.samples
                  where kept.samples < excluded.samples
            ",
            fine,
            coarse,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets slots that are too old.
    pub(crate) async fn figure_loads_forget(&mut self, step_s: i16, seconds: i64) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from figure_loads where step_s = $1 and at < now() - make_interval(secs => $2::bigint)",
            step_s,
            seconds,
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets all that is kept of a service.
    pub(crate) async fn figure_loads_delete(&mut self, service: ServiceId) -> Result<(), StoreError> {
        sqlx::query!("delete from figure_loads where service_id = $1", service.0).execute(self.connection()).await?;
        Ok(())
    }
}
