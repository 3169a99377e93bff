//! Tables `directors` and `director_health`, and what the services' managers have to do: for administrators.

use crate::{Store, StoreError, error::unsigned};
use aerie_domain::{DirectorId, ServiceId};
use time::OffsetDateTime;

/// What a director found out about itself, its cloud and its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorHealth {
    /// Services that wait for a pass.
    pub queue_waiting: u32,
    /// Services that are in one.
    pub queue_running: u32,
    /// Where containers run: `docker`, `simulated`.
    pub cloud: String,
    /// Empty when the cloud answers.
    pub cloud_problem: String,
    /// How long its answer took.
    pub cloud_ping_ms: u32,
    /// Containers of this installation, running or not.
    pub containers: u32,
    /// Free on the disk of the data directory, bytes.
    pub disk_free_bytes: u64,
    /// Size of that disk, bytes.
    pub disk_total_bytes: u64,
}

/// A director process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorRow {
    /// Id.
    pub id: DirectorId,
    /// Since when.
    pub started_at: OffsetDateTime,
    /// Its last heartbeat.
    pub last_seen_at: OffsetDateTime,
    /// Services that it manages.
    pub leases: u32,
    /// Agents that are connected to it.
    pub agents: u32,
    /// When it last told how it is, and how; nothing in its first moments.
    pub health: Option<(OffsetDateTime, DirectorHealth)>,
}

/// What there is to do, over all directors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkRow {
    /// Services in all.
    pub services: u32,
    /// Services that shall run.
    pub wanted: u32,
    /// Services that are not yet what their owners want.
    pub unsettled: u32,
    /// Services that need a manager and have none.
    pub unmanaged: u32,
    /// Operations that have not ended.
    pub operations: u32,
    /// Since when the oldest of them waits.
    pub oldest_operation: Option<OffsetDateTime>,
}

/// A service in ERROR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingServiceRow {
    /// Id.
    pub id: ServiceId,
    /// Its own name.
    pub name: String,
    /// Of its application.
    pub application: String,
    /// User name of its owner.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: OffsetDateTime,
    /// Failed attempts in a row.
    pub failures: u32,
}

impl Store {
    /// The directors that are or were there, newest first.
    pub async fn director_list(&self) -> Result<Vec<DirectorRow>, StoreError> {
        let rows = sqlx::query!(
            r#"
               select d.id,
                      d.started_at,
                      d.last_seen_at,
                      (select count(*) from service_leases l
                        where l.holder = d.id and l.expires_at > clock_timestamp()) as "leases!",
                      (select count(*) from instances i where i.connected_to = d.id) as "agents!",
                      h.at as "at?",
                      h.queue_waiting as "queue_waiting?",
                      h.queue_running as "queue_running?",
                      h.cloud as "cloud?",
                      h.cloud_problem as "cloud_problem?",
                      h.cloud_ping_ms as "cloud_ping_ms?",
                      h.containers as "containers?",
                      h.disk_free_bytes as "disk_free_bytes?",
                      h.disk_total_bytes as "disk_total_bytes?"
                 from directors d
            left join director_health h on h.director_id = d.id
             order by d.started_at desc
            "#,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                let health = row
                    .at
                    .map(|at| {
                        let health = DirectorHealth {
                            queue_waiting: unsigned("queue_waiting", row.queue_waiting.unwrap_or_default())?,
                            queue_running: unsigned("queue_running", row.queue_running.unwrap_or_default())?,
                            cloud: row.cloud.unwrap_or_default(),
                            cloud_problem: row.cloud_problem.unwrap_or_default(),
                            cloud_ping_ms: unsigned("cloud_ping_ms", row.cloud_ping_ms.unwrap_or_default())?,
                            containers: unsigned("containers", row.containers.unwrap_or_default())?,
                            disk_free_bytes: unsigned("disk_free_bytes", row.disk_free_bytes.unwrap_or_default())?,
                            disk_total_bytes: unsigned("disk_total_bytes", row.disk_total_bytes.unwrap_or_default())?,
                        };
                        Ok::<_, StoreError>((at, health))
                    })
                    .transpose()?;
                Ok(DirectorRow {
                    id: DirectorId(row.id),
                    started_at: row.started_at,
                    last_seen_at: row.last_seen_at,
                    leases: unsigned("leases", row.leases)?,
                    agents: unsigned("agents", row.agents)?,
                    health,
                })
            })
            .collect()
    }

    /// Notes how a director is. Does nothing before its first heartbeat.
    pub async fn director_note_health(&self, id: DirectorId, health: &DirectorHealth) -> Result<(), StoreError> {
        let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let big = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        sqlx::query!(
            "
            insert into director_health (director_id, queue_waiting, queue_running, cloud, cloud_problem, cloud_ping_ms,
                                         containers, disk_free_bytes, disk_total_bytes)
            select d.id, $2, $3, $4, $5, $6, $7, $8, $9
              from directors d
             where d.id = $1
                on conflict (director_id) do update
               set at               = now(),
                   queue_waiting    = excluded.queue_waiting,
                   queue_running    = excluded.queue_running,
                   cloud            = excluded.cloud,
                   cloud_problem    = excluded.cloud_problem,
                   cloud_ping_ms    = excluded.cloud_ping_ms,
                   containers       = excluded.containers,
                   disk_free_bytes  = excluded.disk_free_bytes,
                   disk_total_bytes = excluded.disk_total_bytes
            ",
            id.0,
            int(health.queue_waiting),
            int(health.queue_running),
            health.cloud,
            health.cloud_problem,
            int(health.cloud_ping_ms),
            int(health.containers),
            big(health.disk_free_bytes),
            big(health.disk_total_bytes),
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// What there is to do for managers.
    pub async fn work(&self) -> Result<WorkRow, StoreError> {
        let row = sqlx::query!(
            r#"
            select count(*) as "services!",
                   count(*) filter (where s.desired = 'running') as "wanted!",
                   count(*) filter (where s.observed_generation < s.generation) as "unsettled!",
                   count(*) filter (where s.desired <> 'stopped'
                                      and not exists (select from service_leases l
                                                       where l.service_id = s.id
                                                         and l.expires_at > clock_timestamp()
                                                                            - interval '1 minute')) as "unmanaged!",
                   (select count(*) from operations o where o.ended_at is null) as "operations!",
                   (select min(o.created_at) from operations o where o.ended_at is null) as oldest
              from services s
            "#,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(WorkRow {
            services: unsigned("services", row.services)?,
            wanted: unsigned("wanted", row.wanted)?,
            unsettled: unsigned("unsettled", row.unsettled)?,
            unmanaged: unsigned("unmanaged", row.unmanaged)?,
            operations: unsigned("operations", row.operations)?,
            oldest_operation: row.oldest,
        })
    }

    /// The services in ERROR, longest first.
    pub async fn failing_services(&self, limit: i64) -> Result<Vec<FailingServiceRow>, StoreError> {
        let rows = sqlx::query!(
            "
              select s.id, s.name, a.name as application, u.name as owner, s.reason, s.state_since, s.failures
                from services s
                join applications a on a.id = s.application_id
                join users u on u.id = a.owner_id
               where s.state = 'ERROR'
            order by s.state_since, s.id
               limit $1
            ",
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(FailingServiceRow {
                    id: ServiceId(row.id),
                    name: row.name,
                    application: row.application,
                    owner: row.owner,
                    reason: row.reason,
                    since: row.state_since,
                    failures: unsigned("services.failures", row.failures)?,
                })
            })
            .collect()
    }
}
