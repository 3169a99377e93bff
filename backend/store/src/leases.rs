//! Tables `service_leases` and `directors`: which director manages a service. By the database's clock alone.

use crate::{Store, StoreError, Txn};
use aerie_domain::{DirectorId, ServiceId};
use std::time::Duration;
use time::OffsetDateTime;

/// The right to manage a service, until it is over or released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The service.
    pub service: ServiceId,
    /// Who has it.
    pub holder: DirectorId,
    /// Counts holders: a former one's is lower.
    pub epoch: i64,
}

impl Store {
    /// Takes or renews the lease of a service for 15 s (larger: services wait longer for a manager after a crash;
    /// smaller: more renewals, and a busy director loses leases). Nothing when another director has it or the service
    /// is gone.
    ///
    /// Guarantees: a new holder gets a higher epoch; a holder that renews keeps its own. A lease that would last longer
    /// than any that is given was given before the clock was set back, and counts as over.
    pub async fn lease_take(&self, service: ServiceId, holder: DirectorId) -> Result<Option<Lease>, StoreError> {
        Ok(self.lease_take_at(service, holder).await?.map(|(lease, _)| lease))
    }

    /// The same, and what the database's clock said.
    pub async fn lease_take_at(
        &self,
        service: ServiceId,
        holder: DirectorId,
    ) -> Result<Option<(Lease, OffsetDateTime)>, StoreError> {
        let taken = sqlx::query!(
            r#"
            insert into service_leases (service_id, holder, epoch, expires_at)
            select s.id, $2, 1, clock_timestamp() + interval '15 seconds'
              from services s
             where s.id = $1
                on conflict (service_id) do update
               set holder     = excluded.holder,
                   epoch      = service_leases.epoch + (service_leases.holder <> excluded.holder)::integer,
                   expires_at = clock_timestamp() + interval '15 seconds'
             where service_leases.holder = excluded.holder
                or service_leases.expires_at < clock_timestamp()
                or service_leases.expires_at > clock_timestamp() + interval '20 seconds'
            returning epoch, clock_timestamp() as "now!"
            "#,
            service.0,
            holder.0,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(taken.map(|taken| (Lease { service, holder, epoch: taken.epoch }, taken.now)))
    }

    /// Gives a lease back, so that another director can take it at once. Does nothing if it is lost already.
    ///
    /// The row stays, over: its epoch must go on counting.
    pub async fn lease_release(&self, lease: &Lease) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update service_leases
               set expires_at = '-infinity'
             where service_id = $1
               and holder = $2
               and epoch = $3
            ",
            lease.service.0,
            lease.holder.0,
            lease.epoch,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Gives back all leases of a director that ends.
    pub async fn leases_release_all(&self, holder: DirectorId) -> Result<(), StoreError> {
        sqlx::query!("update service_leases set expires_at = '-infinity' where holder = $1", holder.0)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Says that a director is alive. After a silence that managers take for one (20 s), the row says when that ended.
    pub async fn director_heartbeat(&self, id: DirectorId, agent_port: u16) -> Result<(), StoreError> {
        sqlx::query!(
            "
            insert into directors (id, agent_port)
            values ($1, $2)
                on conflict (id) do update
               set last_seen_at = now(),
                   resumed_at   = case when directors.last_seen_at < now() - interval '20 seconds' then now()
                                       else directors.resumed_at
                                  end,
                   agent_port   = excluded.agent_port
            ",
            id.0,
            i32::from(agent_port),
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Ports of the agent listeners of the directors that were seen within `max_age`, in order.
    pub async fn director_agent_ports(&self, max_age: Duration) -> Result<Vec<u16>, StoreError> {
        let ports = sqlx::query_scalar!(
            r#"
            select distinct agent_port as "agent_port!"
              from directors
             where agent_port is not null
               and last_seen_at > now() - make_interval(secs => $1)
             order by 1
            "#,
            max_age.as_secs_f64(),
        )
        .fetch_all(self.pool())
        .await?;
        Ok(ports.into_iter().filter_map(|port| u16::try_from(port).ok()).collect())
    }

    /// How many directors were seen within `max_age`.
    pub async fn director_count(&self, max_age: Duration) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from directors where last_seen_at > now() - make_interval(secs => $1)"#,
            max_age.as_secs_f64(),
        )
        .fetch_one(self.pool())
        .await?;
        Ok(count)
    }

    /// How many directors hear their agents: they were seen within `max_age`, and did not fall silent for longer shortly
    /// before that. Thirty seconds after a silence agents have told everything again.
    pub async fn director_count_hearing(&self, max_age: Duration) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar!(
            r#"
            select count(*) as "count!"
              from directors
             where last_seen_at > now() - make_interval(secs => $1)
               and coalesce(resumed_at, '-infinity') < now() - interval '30 seconds'
            "#,
            max_age.as_secs_f64(),
        )
        .fetch_one(self.pool())
        .await?;
        Ok(count)
    }

    /// Forgets a director that ends; the agents that are connected to it count as not connected.
    pub async fn director_remove(&self, id: DirectorId) -> Result<(), StoreError> {
        sqlx::query!(
            "
            with gone as (
                delete from directors where id = $1
            )
            update instances set connected_to = null where connected_to = $1
            ",
            id.0,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Forgets directors that were not seen for `max_age`; agents that were connected to them count as not connected.
    /// Answers with the number of such agents.
    pub async fn directors_prune(&self, max_age: Duration) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            with gone as (
                delete from directors where last_seen_at < now() - make_interval(secs => $1) returning id
            )
            update instances set connected_to = null where connected_to in (select id from gone)
            ",
            max_age.as_secs_f64(),
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected())
    }
}

impl Txn<'_> {
    /// Fails with [`StoreError::LostLease`] unless the lease is still good, and keeps it so until the transaction ends:
    /// the lock on its row makes a director that wants to take it wait.
    pub(crate) async fn lease_hold(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let held = sqlx::query_scalar!(
            "
            select epoch
              from service_leases
             where service_id = $1
               and holder = $2
               and epoch = $3
               and expires_at > clock_timestamp()
               for share
            ",
            lease.service.0,
            lease.holder.0,
            lease.epoch,
        )
        .fetch_optional(self.connection())
        .await?;
        held.map(|_| ()).ok_or(StoreError::LostLease)
    }

    /// Removes the lease of a service that is removed.
    pub(crate) async fn lease_delete(&mut self, service: ServiceId) -> Result<(), StoreError> {
        sqlx::query!("delete from service_leases where service_id = $1", service.0).execute(self.connection()).await?;
        Ok(())
    }
}
