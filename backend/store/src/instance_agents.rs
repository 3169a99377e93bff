//! Table `instances`: what the agents' listener reads and writes. Not under a lease: any director may hold the
//! connection of an agent while another manages its service.

use crate::{Store, StoreError};
use aerie_agent_protocol::{InstanceConfig, InstanceReport};
use aerie_domain::{DirectorId, InstanceId};
use sqlx::types::Json;

impl Store {
    /// Whether there is such an instance, in any state. The agent of one that is gone is refused.
    pub async fn instance_known(&self, id: InstanceId) -> Result<bool, StoreError> {
        let known = sqlx::query_scalar!(r#"select exists (select from instances where id = $1) as "known!""#, id.0)
            .fetch_one(self.pool())
            .await?;
        Ok(known)
    }

    /// What an instance's agent shall bring about; nothing when that is not decided yet or the instance is gone.
    pub async fn instance_config(&self, id: InstanceId) -> Result<Option<InstanceConfig>, StoreError> {
        let config = sqlx::query_scalar!(
            r#"select config as "config!: Json<InstanceConfig>" from instances where id = $1 and config is not null"#,
            id.0,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(config.map(|config| config.0))
    }

    /// Notes that an instance's agent is connected to this director, and wakes its manager. False when there is no such
    /// instance.
    pub async fn instance_connected(&self, id: InstanceId, director: DirectorId) -> Result<bool, StoreError> {
        let woken = sqlx::query_scalar!(
            r#"
            with connected as (
                update instances set connected_to = $2 where id = $1 returning service_id
            )
            select pg_notify('aerie_wake', 'service ' || service_id)::text as "woken!" from connected
            "#,
            id.0,
            director.0,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(woken.is_some())
    }

    /// Notes that an instance's agent is no longer connected to this director, and wakes its manager. Does nothing when
    /// it is connected to another one meanwhile.
    pub async fn instance_disconnected(&self, id: InstanceId, director: DirectorId) -> Result<(), StoreError> {
        sqlx::query!(
            "
            with disconnected as (
                update instances set connected_to = null where id = $1 and connected_to = $2 returning service_id
            )
            select pg_notify('aerie_wake', 'service ' || service_id) from disconnected
            ",
            id.0,
            director.0,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Notes that these agents have said again what they said before. Those that are gone are passed over.
    pub async fn instances_alive(&self, ids: &[InstanceId]) -> Result<(), StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        sqlx::query!("update instances set report_at = now() where id = any($1)", &ids).execute(self.pool()).await?;
        Ok(())
    }

    /// Keeps an agent's report, which came by this director. Wakes the service's manager only if the report says
    /// something new: agents repeat themselves every few seconds as a sign of life.
    ///
    /// What comes by a director that the agent has left is old, and is not kept: a director that stood still for a while finds
    /// such reports in its buffers.
    pub async fn instance_report(
        &self,
        id: InstanceId,
        director: DirectorId,
        report: &InstanceReport,
    ) -> Result<ReportKept, StoreError> {
        let row = sqlx::query!(
            r#"
            with before as (
                select id, service_id, report, connected_to from instances where id = $1 for update
            ), reported as (
                   update instances i
                      set report       = $2,
                          report_at    = now(),
                          connected_to = $3
                     from before
                    where i.id = before.id
                      and coalesce(before.connected_to, $3) = $3
                returning before.service_id, before.report is distinct from $2 as changed
            )
            select reported.service_id is not null as "kept!",
                   case when changed then pg_notify('aerie_wake', 'service ' || reported.service_id)::text end as woken
              from before
              left join reported on true
            "#,
            id.0,
            Json(report) as _,
            director.0,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(match row {
            Some(row) if row.kept => ReportKept::Yes,
            Some(_) => ReportKept::IsElsewhere,
            None => ReportKept::NoInstance,
        })
    }
}

/// What became of an agent's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKept {
    /// It is in the instance's row.
    Yes,
    /// It is not: the agent is connected to another director.
    IsElsewhere,
    /// There is no such instance (any more).
    NoInstance,
}
