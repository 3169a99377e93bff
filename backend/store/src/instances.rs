//! Table `instances`: reads, and what managers do to them. What agents tell is in `instance_agents`.

use crate::{
    InstanceBrief, InstanceLite, InstanceRole, InstanceRow, NewInstance, Store, StoreError, Txn,
    error::ensure_affected,
    instance_rows::{InstanceBriefRaw, InstanceLiteRaw, InstanceRaw},
};
use aerie_agent_protocol::InstanceConfig;
use aerie_domain::{InstanceId, ServiceId};
use serde_json::Value;
use sqlx::types::{Json, Uuid};

macro_rules! select_instances {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            InstanceRaw,
            r#"
            select i.id,
                   i.service_id,
                   i.short,
                   i.auxiliary,
                   i.size,
                   i.wanted,
                   i.roles  as "roles: _",
                   i.container,
                   i.address,
                   i.container_status,
                   i.config as "config: _",
                   i.config_generation,
                   i.report as "report: _",
                   i.report_at,
                   i.connected_to,
                   i.created_at,
                   i.healthy_at,
                   i.slot,
                   i.generation
              from instances i
            "# + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// The instances of a service, oldest first.
    pub async fn instance_list(&self, service: ServiceId) -> Result<Vec<InstanceRow>, StoreError> {
        let raw = select_instances!("where i.service_id = $1 order by i.created_at, i.id", service.0)
            .fetch_all(self.pool())
            .await?;
        Ok(raw.into_iter().map(InstanceRow::from).collect())
    }

    /// One instance.
    pub async fn instance_fetch(&self, id: InstanceId) -> Result<Option<InstanceRow>, StoreError> {
        let raw = select_instances!("where i.id = $1", id.0).fetch_optional(self.pool()).await?;
        Ok(raw.map(InstanceRow::from))
    }

    /// The instances of several services as pages show them, by service, oldest first.
    pub async fn instances_of_services(&self, ids: &[ServiceId]) -> Result<Vec<InstanceLite>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let raw = sqlx::query_as!(
            InstanceLiteRaw,
            r#"
              select id,
                     service_id,
                     short,
                     auxiliary,
                     size,
                     wanted,
                     roles  as "roles: _",
                     address,
                     container_status,
                     config_generation,
                     report as "report: _",
                     report_at,
                     connected_to is not null as "connected!",
                     created_at,
                     healthy_at
                from instances
               where service_id = any($1)
            order by service_id, created_at, id
            "#,
            &ids,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(raw.into_iter().map(InstanceLite::from).collect())
    }

    /// The instances of several services as lists count them: without reports, which are most of a row.
    pub async fn instances_in_lists(&self, ids: &[ServiceId]) -> Result<Vec<InstanceBrief>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let raw = sqlx::query_as!(
            InstanceBriefRaw,
            r#"
            select service_id,
                   auxiliary,
                   roles as "roles: _",
                   healthy_at is not null as "was_healthy!"
              from instances
             where service_id = any($1)
            "#,
            &ids,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(raw.into_iter().map(InstanceBrief::from).collect())
    }

    /// The ids of all instances there are: what the reaper compares containers with.
    pub async fn instance_ids(&self) -> Result<Vec<InstanceId>, StoreError> {
        let ids = sqlx::query_scalar!("select id from instances order by id").fetch_all(self.pool()).await?;
        Ok(ids.into_iter().map(InstanceId).collect())
    }
}

impl Txn<'_> {
    /// Adds an instance: the intention to have a container.
    pub async fn instance_insert(&mut self, instance: &NewInstance) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into instances (id, service_id, short, auxiliary, size, roles, slot, generation)
            select $1, s.id, $3, $4, $5, $6, $7, s.generation
              from services s
             where s.id = $2
            ",
            instance.id.0,
            instance.service_id.0,
            instance.id.short(),
            instance.auxiliary,
            instance.size,
            Json(&instance.roles) as _,
            instance.slot,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Sets an instance's roles and whether it is wanted. A condemned instance stays condemned.
    pub async fn instance_set_roles(
        &mut self,
        id: InstanceId,
        roles: &[InstanceRole],
        wanted: bool,
    ) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update instances set roles = $2, wanted = wanted and $3 where id = $1",
            id.0,
            Json(roles) as _,
            wanted,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Decides what an instance's container is made from, before it is made.
    pub async fn instance_set_container(&mut self, id: InstanceId, container: &Value) -> Result<(), StoreError> {
        let result = sqlx::query!("update instances set container = $2 where id = $1", id.0, container)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Notes what the inventory says of an instance's container. False when nothing was new.
    pub async fn instance_set_observed(
        &mut self,
        id: InstanceId,
        address: Option<&str>,
        status: &str,
    ) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update instances
               set address          = $2,
                   container_status = $3
             where id = $1
               and (address, container_status) is distinct from ($2, $3)
            ",
            id.0,
            address,
            status,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Sets what an instance's agent shall bring about, and has it pushed. Refused as a change that met no row unless
    /// its generation is higher than the present one.
    pub async fn instance_set_config(&mut self, id: InstanceId, config: &InstanceConfig) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            update instances
               set config            = $2,
                   config_generation = $3
             where id = $1
               and config_generation < $3
            ",
            id.0,
            Json(config) as _,
            config.generation,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)?;
        self.wake_config(id).await
    }

    /// Notes that all roles of an instance are healthy; the first time, its costs begin to count. True that time. What
    /// belongs to the platform itself costs nothing.
    pub async fn instance_set_healthy(
        &mut self,
        id: InstanceId,
        price_millis_per_hour: i64,
    ) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            with healthy as (
                   update instances
                      set healthy_at = now()
                    where id = $1
                      and healthy_at is null
                returning id, service_id
            )
            insert into instance_meters
                   (instance_id, owner_id, service_id, label, price_millis_per_hour, settled, started_at)
            select h.id, a.owner_id, h.service_id, a.name || '/' || s.name, p.price, p.price = 0, now()
              from healthy h
              join services s on s.id = h.service_id
              join applications a on a.id = s.application_id
              join users u on u.id = a.owner_id
        cross join lateral (select case u.role when 'system' then 0 else $2::bigint end as price) p
            ",
            id.0,
            price_millis_per_hour,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Removes an instance whose container is gone: ends its meter and remembers it for its kept log.
    pub async fn instance_retire(&mut self, id: InstanceId, log_bytes: i64) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            with gone as (
                delete from instances where id = $1 returning id, service_id, short, roles, created_at
            ), ended as (
                update instance_meters
                   set ended_at = now()
                 where ended_at is null
                   and instance_id in (select id from gone)
            )
            insert into removed_instances (id, service_id, short, roles, created_at, log_bytes)
            select id, service_id, short, roles, created_at, $2
              from gone
            ",
            id.0,
            log_bytes,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }
}
