//! The platform itself: managers, operations, services, agents, the database.

use aerie_manager::ManagerFigures;
use aerie_usecases::Figures;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
};
use std::fmt;

#[derive(Debug)]
pub(super) struct Platform {
    figures: Figures,
    queue: u64,
    passes: (u64, u64),
    agents: u64,
}

impl Platform {
    pub(super) fn new(figures: &Figures, manager: Option<&ManagerFigures>, agents: usize) -> Self {
        Self {
            figures: figures.clone(),
            queue: manager.map_or(0, |manager| manager.lengths().0 as u64),
            passes: manager.map_or((0, 0), ManagerFigures::passes),
            agents: agents as u64,
        }
    }
}

impl Collector for Platform {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        gauge(&mut encoder, "manager_queue", "Services that wait for a look", self.queue)?;
        let mut passes =
            encoder.encode_descriptor("manager_passes", "Looks of managers that ended", None, MetricType::Counter)?;
        for (outcome, count) in [("done", self.passes.0), ("failed", self.passes.1)] {
            passes.encode_family(&[("outcome", outcome)])?.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
        }
        gauge(&mut encoder, "agents_connected", "Agents that this director listens to", self.agents)?;

        let mut operations =
            encoder.encode_descriptor("operations", "Kept operations by state", None, MetricType::Gauge)?;
        for (kind, state, count) in &self.figures.operations {
            operations.encode_family(&[("kind", kind.as_str()), ("state", state.as_str())])?.encode_gauge(count)?;
        }
        let mut services = encoder.encode_descriptor("services", "Services by state", None, MetricType::Gauge)?;
        for (state, count) in &self.figures.services {
            services.encode_family(&[("state", state.as_str())])?.encode_gauge(count)?;
        }
        encoder
            .encode_descriptor(
                "events_held_seconds",
                "How long the oldest unread event waits",
                None,
                MetricType::Gauge,
            )?
            .encode_gauge(&self.figures.events_held_s)?;

        let pool = self.figures.pool;
        gauge(&mut encoder, "database_connections", "Open connections to the database", pool.open.into())?;
        gauge(&mut encoder, "database_connections_idle", "Of these, not in use", pool.idle.into())?;
        gauge(&mut encoder, "database_connections_limit", "Most that may be open", pool.most.into())
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}
