//! How directors, managers and clouds are. Directors tell of themselves in rows; nobody is asked here.

use crate::{Actor, Outcome, UseCases};
use aerie_domain::views::{DirectorReport, DirectorView, FailingServiceView, HealthView, WorkView};
use aerie_store::DirectorRow;
use async_recursion::async_recursion as boxed;

/// Failing services in one answer. Larger: a longer page on the worst of days.
const MAX_FAILING: i64 = 50;

impl UseCases {
    /// How the installation is.
    #[boxed]
    pub async fn health(&self, actor: &Actor) -> Outcome<HealthView> {
        actor.may_administer()?;
        let directors = self.store().director_list().await?;
        let work = self.store().work().await?;
        let failing = self.store().failing_services(MAX_FAILING).await?;
        Ok(HealthView {
            directors: directors.into_iter().map(director).collect(),
            work: WorkView {
                services: work.services,
                wanted: work.wanted,
                unsettled: work.unsettled,
                unmanaged: work.unmanaged,
                operations: work.operations,
                oldest_operation: work.oldest_operation,
            },
            failing: failing
                .into_iter()
                .map(|row| FailingServiceView {
                    id: row.id,
                    name: format!("{}/{}", row.application, row.name),
                    owner: row.owner,
                    reason: row.reason,
                    since: row.since,
                    failures: row.failures,
                })
                .collect(),
        })
    }
}

fn director(row: DirectorRow) -> DirectorView {
    DirectorView {
        id: row.id,
        started_at: row.started_at,
        last_seen_at: row.last_seen_at,
        leases: row.leases,
        agents: row.agents,
        report: row.health.map(|(at, health)| DirectorReport {
            at,
            queue_waiting: health.queue_waiting,
            queue_running: health.queue_running,
            cloud: health.cloud,
            cloud_problem: health.cloud_problem,
            cloud_ping_ms: health.cloud_ping_ms,
            containers: health.containers,
            disk_free_bytes: health.disk_free_bytes,
            disk_total_bytes: health.disk_total_bytes,
        }),
    }
}
