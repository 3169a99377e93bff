//! What is there: the engine's answers as [`Observed`].

use super::client::{Engine, call, checked_name, optional};
use crate::{CloudError, ContainerStatus, Observed, Scope};
use bollard::{
    models::{
        ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, ContainerSummary,
        ContainerSummaryStateEnum, EndpointSettings,
    },
    query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{collections::HashMap, net::IpAddr};
use time::OffsetDateTime;

/// How many containers are looked at side by side. Larger: a burst on the engine; smaller: many dead containers take longer.
const INSPECT_CONCURRENCY: usize = 8;

impl Engine {
    /// One call for all; a further one for each container that has ended, since only that tells how.
    pub(super) async fn inventory(&self, scope: Scope) -> Result<Vec<Observed>, CloudError> {
        let service = match scope {
            Scope::Installation => None,
            Scope::Service(service) => Some(service),
        };
        let filters = self.labels.filter(service);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = call("listing containers", self.docker.list_containers(Some(options))).await?;
        let mut found: Vec<Observed> = stream::iter(listed)
            .map(|summary| self.observe_summary(summary))
            .buffer_unordered(INSPECT_CONCURRENCY)
            .try_filter_map(|observed| async move { Ok(observed) })
            .try_collect()
            .await?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    async fn observe_summary(&self, summary: ContainerSummary) -> Result<Option<Observed>, CloudError> {
        let name = summary.names.iter().flatten().next().map(|name| name.trim_start_matches('/').to_owned());
        let Some(name) = name else { return Ok(None) };
        // The engine answers no further question about a container while it starts it: asking would hold up a pass for as
        // long as starts take.
        let status = match summary.state {
            Some(ContainerSummaryStateEnum::RUNNING | ContainerSummaryStateEnum::PAUSED) => {
                Some(ContainerStatus::Running)
            }
            Some(ContainerSummaryStateEnum::CREATED) => Some(ContainerStatus::Created),
            _ => None,
        };
        let Some(status) = status else {
            // By id: the name could be taken anew between the two calls.
            let id = summary.id.unwrap_or_else(|| name.clone());
            return Ok(self.inspect_any(&id).await?.and_then(|found| self.observe(&found)));
        };
        let Some(identity) = self.labels.identity(summary.labels.as_ref()) else {
            tracing::warn!(container.name = name, "a container has our label but not the others: left alone");
            return Ok(None);
        };
        Ok(Some(Observed {
            name,
            instance: identity.instance,
            service: identity.service,
            spec_hash: identity.spec_hash,
            status,
            address: address(summary.network_settings.and_then(|settings| settings.networks).as_ref()),
            created_at: summary.created.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()),
        }))
    }

    /// The container of that name or id, whoever's it is.
    pub(super) async fn inspect_any(&self, name: &str) -> Result<Option<ContainerInspectResponse>, CloudError> {
        checked_name(name)?;
        let what = format!("looking at container {name}");
        optional(call(&what, self.docker.inspect_container(name, None::<InspectContainerOptions>)).await)
    }

    /// What is known of a container; `None` when it is not ours.
    pub(super) fn observe(&self, found: &ContainerInspectResponse) -> Option<Observed> {
        let identity = self.labels.identity(found.config.as_ref().and_then(|config| config.labels.as_ref()))?;
        Some(Observed {
            name: found.name.as_deref()?.trim_start_matches('/').to_owned(),
            instance: identity.instance,
            service: identity.service,
            spec_hash: identity.spec_hash,
            status: status(found.state.as_ref()),
            address: address(found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref())),
            // Whole seconds, as the list has it: one container, one answer.
            created_at: found.created.and_then(|at| at.replace_nanosecond(0).ok()),
        })
    }
}

/// A container that waits for the engine to restart it has exited for now: its code tells why.
fn status(state: Option<&ContainerState>) -> ContainerStatus {
    match state.and_then(|state| state.status) {
        Some(ContainerStateStatusEnum::CREATED) => ContainerStatus::Created,
        Some(ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::PAUSED) => ContainerStatus::Running,
        _ => ContainerStatus::Exited {
            code: state.and_then(|state| state.exit_code).unwrap_or(-1),
            out_of_memory: state.and_then(|state| state.oom_killed).unwrap_or(false),
        },
    }
}

/// A container is attached to one network.
fn address(networks: Option<&HashMap<String, EndpointSettings>>) -> Option<IpAddr> {
    networks?.values().find_map(|endpoint| endpoint.ip_address.as_deref()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_waits_for_its_restart_has_exited() {
        let state = ContainerState {
            status: Some(ContainerStateStatusEnum::RESTARTING),
            running: Some(true),
            exit_code: Some(137),
            oom_killed: Some(true),
            ..ContainerState::default()
        };
        assert_eq!(status(Some(&state)), ContainerStatus::Exited { code: 137, out_of_memory: true });
    }

    #[test]
    fn the_host_network_gives_no_address() {
        let endpoint = |text: &str| EndpointSettings { ip_address: Some(text.into()), ..EndpointSettings::default() };
        let networks = |text| HashMap::from([("n".to_owned(), endpoint(text))]);
        assert_eq!(address(Some(&networks(""))), None);
        assert_eq!(address(Some(&networks("10.1.2.3"))), Some(IpAddr::from([10, 1, 2, 3])));
    }
}
