//! Making containers. Deterministic names plus the spec hash make it idempotent: whoever finds the name taken looks
//! at what is there and adopts or replaces it.
//!
//! Guarantee: what runs is never ended from here, whatever it was made from. So two directors at once do no harm, even
//! when one of them was asleep for a while: visitors may be on what the other has started meanwhile.

use super::{
    client::{CALL_LIMIT, Engine, call, call_within},
    hardening::create_body,
};
use crate::{CloudError, CloudErrorKind, ContainerSpec, ContainerStatus, Observed};
use aerie_crash_points as crash_points;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use std::time::{Duration, Instant};

/// How long the name may go on being taken by something that is then not there. Larger: a quarrel with another director
/// lasts longer; smaller: a replacement (stop, removal, start) on a busy machine is cut short.
const CHANGE_LIMIT: Duration = Duration::from_secs(40);

/// How long we wait for a container whose name is taken but which cannot be seen yet: the engine takes the name first (5 ms
/// measured between the two). Larger: we wait for longer than needed; smaller: more calls.
const CHANGE_INTERVAL: Duration = Duration::from_millis(20);

impl Engine {
    /// Three round trips for a new container (create, start, look), two for one that is there.
    pub(super) async fn ensure_container(&self, spec: &ContainerSpec) -> Result<Observed, CloudError> {
        let hash = spec.hash();
        let start = Instant::now();
        while start.elapsed() < CHANGE_LIMIT {
            if let Creation::Made(id) = self.create(spec, &hash).await? {
                crash_points::pass(crash_points::Point::ContainerCreated);
                return self.start(&id, spec).await;
            }
            let Some(found) = self.inspect_any(&spec.name).await? else {
                tokio::time::sleep(CHANGE_INTERVAL).await;
                continue;
            };
            let Some(observed) = self.observe(&found) else {
                let message = format!("a container named {} exists that is not ours", spec.name);
                return Err(CloudError::new(CloudErrorKind::Conflict, message));
            };
            let id = found.id.as_deref().unwrap_or(&spec.name);
            match observed.status {
                ContainerStatus::Running => return Ok(observed),
                ContainerStatus::Created if observed.spec_hash == hash => return self.start(id, spec).await,
                ContainerStatus::Created | ContainerStatus::Exited { .. } => {
                    self.remove_unless_running(id, &spec.name).await?;
                }
            }
        }
        Err(CloudError::new(CloudErrorKind::Transient, format!("container {} keeps changing", spec.name)))
    }

    async fn create(&self, spec: &ContainerSpec, hash: &str) -> Result<Creation, CloudError> {
        let body = create_body(spec, &self.labels, hash)?;
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let what = format!("making container {}", spec.name);
        match call(&what, self.docker.create_container(Some(options), body)).await {
            Ok(made) => Ok(Creation::Made(made.id)),
            Err(error) if error.kind == CloudErrorKind::Conflict => Ok(Creation::NameTaken),
            Err(error) => Err(error),
        }
    }

    /// Starts what exists and tells what became of it.
    async fn start(&self, id: &str, spec: &ContainerSpec) -> Result<Observed, CloudError> {
        let what = format!("starting container {}", spec.name);
        let started = call_within(CALL_LIMIT, &what, self.docker.start_container(id, None)).await;
        if let Err(error) = started {
            // A container that could not start may refer to a network that has been made anew since: the next attempt
            // must not find it. When the engine is away there is nothing to clean, and the next attempt starts it. When we
            // were away (a machine that slept, say), the engine's answer came too late for us, and it runs.
            if error.kind != CloudErrorKind::Unreachable
                && let Err(second) = self.remove_unless_running(id, &spec.name).await
            {
                tracing::warn!(container.name = spec.name, error = %second, "a container that did not start remains");
            }
            return Err(error);
        }
        let found = self.inspect_any(&spec.name).await?;
        found.and_then(|found| self.observe(&found)).ok_or_else(|| {
            CloudError::new(CloudErrorKind::Transient, format!("container {} was removed while it started", spec.name))
        })
    }
}

enum Creation {
    /// With this id.
    Made(String),
    NameTaken,
}
