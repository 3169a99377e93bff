//! Ending and removing containers.

use super::client::{CALL_LIMIT, Engine, call, call_within, checked_name, optional};
use crate::{CloudError, CloudErrorKind, ContainerStatus};
use bollard::query_parameters::{RemoveContainerOptionsBuilder, StopContainerOptionsBuilder};
use std::time::{Duration, Instant};

/// How long a removal that somebody else began may take. Larger: the caller waits longer; smaller: it fails and comes again.
const OTHERS_REMOVAL_LIMIT: Duration = Duration::from_secs(30);

/// How often we look whether it is gone. Larger: removals take longer; smaller: more calls.
const OTHERS_REMOVAL_INTERVAL: Duration = Duration::from_millis(100);

impl Engine {
    pub(super) async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), CloudError> {
        match self.ours(name).await? {
            // One that waits for its restart has exited for now, but would come back.
            Some((id, _)) => self.stop(&id, name, grace).await,
            None => Ok(()),
        }
    }

    pub(super) async fn remove_container(&self, name: &str, grace: Duration) -> Result<(), CloudError> {
        let Some((id, status)) = self.ours(name).await? else { return Ok(()) };
        if status == ContainerStatus::Running && !grace.is_zero() {
            self.stop(&id, name, grace).await?;
        }
        self.remove(&id, name).await
    }

    /// Removes a container that has not started or has ended. One that runs stays, also when somebody starts it just now.
    pub(super) async fn remove_unless_running(&self, id: &str, name: &str) -> Result<(), CloudError> {
        let what = format!("removing container {name}");
        let options = RemoveContainerOptionsBuilder::default().force(false).v(true).build();
        let error = match optional(call(&what, self.docker.remove_container(id, Some(options))).await) {
            Err(error) if error.kind == CloudErrorKind::Conflict => error,
            other => return other.map(drop),
        };
        let observed = self.inspect_any(id).await?.and_then(|found| self.observe(&found));
        match observed.map(|observed| observed.status) {
            // The engine is about to start it again, so it refuses, or somebody else is removing it.
            Some(ContainerStatus::Exited { .. }) => self.remove(id, name).await,
            Some(ContainerStatus::Created) => self.wait_until_gone(id, error).await,
            Some(ContainerStatus::Running) | None => Ok(()),
        }
    }

    /// The container's id: the name might meanwhile belong to a successor.
    async fn ours(&self, name: &str) -> Result<Option<(String, ContainerStatus)>, CloudError> {
        checked_name(name)?;
        let Some(found) = self.inspect_any(name).await? else { return Ok(None) };
        let Some(observed) = self.observe(&found) else {
            let message = format!("container {name} is not ours, so it stays");
            return Err(CloudError::new(CloudErrorKind::Conflict, message));
        };
        Ok(Some((found.id.unwrap_or_else(|| name.to_owned()), observed.status)))
    }

    async fn stop(&self, id: &str, name: &str, grace: Duration) -> Result<(), CloudError> {
        // The engine counts whole seconds; rounding up never cuts anyone short.
        let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        let limit = grace.saturating_add(CALL_LIMIT);
        let what = format!("stopping container {name}");
        optional(call_within(limit, &what, self.docker.stop_container(id, Some(options))).await).map(drop)
    }

    /// Kills what still runs, and removes it with its anonymous volumes (named ones stay).
    async fn remove(&self, id: &str, name: &str) -> Result<(), CloudError> {
        let what = format!("removing container {name}");
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match optional(call(&what, self.docker.remove_container(id, Some(options))).await) {
            Err(error) if error.kind == CloudErrorKind::Conflict => self.wait_until_gone(id, error).await,
            other => other.map(drop),
        }
    }

    /// Somebody else is removing it.
    async fn wait_until_gone(&self, id: &str, error: CloudError) -> Result<(), CloudError> {
        let start = Instant::now();
        while start.elapsed() < OTHERS_REMOVAL_LIMIT {
            if self.inspect_any(id).await?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(OTHERS_REMOVAL_INTERVAL).await;
        }
        Err(error)
    }
}
