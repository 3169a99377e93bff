//! Private networks: one bridge per application, with a subnet that we choose (the engine's own pools end at about
//! thirty). The engine isolates bridges from each other by itself; the host reaches every container on every bridge.

use super::client::{Engine, call, checked_name, optional};
use crate::{CloudError, CloudErrorKind, NetworkSpec, ObservedNetwork};
use bollard::{
    models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect},
    query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder},
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How long somebody else may take to make the same network (150 ms measured on an idle machine). Larger: a true overlap is
/// told later; smaller: two at once disturb each other.
const OTHERS_NETWORK_LIMIT: Duration = Duration::from_secs(2);

/// How often we look for it. Larger: we wait for longer than needed; smaller: more calls.
const OTHERS_NETWORK_INTERVAL: Duration = Duration::from_millis(50);

impl Engine {
    pub(super) async fn ensure_network(&self, spec: &NetworkSpec) -> Result<(), CloudError> {
        checked_name(&spec.name)?;
        if let Some(found) = self.inspect_network(&spec.name).await? {
            return self.check_network(spec, &found);
        }
        let what = format!("making network {}", spec.name);
        let Err(error) = call(&what, self.docker.create_network(self.create_request(spec))).await else {
            return Ok(());
        };
        if error.kind != CloudErrorKind::Conflict {
            return Err(error);
        }
        // Somebody else may be faster: names are not unique to the engine, but subnets and bridges are. A network takes up
        // its subnet before it can be seen.
        let start = Instant::now();
        while start.elapsed() < OTHERS_NETWORK_LIMIT {
            if let Some(found) = self.inspect_network(&spec.name).await? {
                return self.check_network(spec, &found);
            }
            tokio::time::sleep(OTHERS_NETWORK_INTERVAL).await;
        }
        if error.message.contains("overlaps") {
            let message = format!("network {}: subnet {} overlaps with another network", spec.name, spec.subnet);
            return Err(CloudError::new(CloudErrorKind::Conflict, message));
        }
        Err(error)
    }

    pub(super) async fn remove_network(&self, name: &str) -> Result<(), CloudError> {
        checked_name(name)?;
        let Some(found) = self.inspect_network(name).await? else { return Ok(()) };
        if !self.labels.are_ours(found.labels.as_ref()) {
            return Err(foreign(name));
        }
        let id = found.id.as_deref().unwrap_or(name);
        optional(call(&format!("removing network {name}"), self.docker.remove_network(id)).await).map(drop)
    }

    pub(super) async fn networks(&self) -> Result<Vec<ObservedNetwork>, CloudError> {
        let filters = self.labels.filter(None);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let listed = call("listing networks", self.docker.list_networks(Some(options))).await?;
        let mut found: Vec<_> = listed
            .into_iter()
            .filter_map(|network| Some(ObservedNetwork { name: network.name?, created_at: network.created }))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    async fn inspect_network(&self, name: &str) -> Result<Option<NetworkInspect>, CloudError> {
        let what = format!("looking at network {name}");
        let found = optional(call(&what, self.docker.inspect_network(name, None::<InspectNetworkOptions>)).await)?;
        // The engine also answers to the beginning of an id.
        Ok(found.filter(|network| network.name.as_deref() == Some(name)))
    }

    fn check_network(&self, spec: &NetworkSpec, found: &NetworkInspect) -> Result<(), CloudError> {
        if !self.labels.are_ours(found.labels.as_ref()) {
            return Err(foreign(&spec.name));
        }
        let configs = found.ipam.as_ref().and_then(|ipam| ipam.config.as_deref()).unwrap_or_default();
        if configs.iter().any(|config| config.subnet.as_deref() == Some(spec.subnet.as_str())) {
            return Ok(());
        }
        let message = format!("network {} exists with another subnet than {}", spec.name, spec.subnet);
        Err(CloudError::new(CloudErrorKind::Conflict, message))
    }

    fn create_request(&self, spec: &NetworkSpec) -> NetworkCreateRequest {
        let config = IpamConfig {
            subnet: Some(spec.subnet.clone()),
            gateway: Some(spec.gateway.to_string()),
            ..IpamConfig::default()
        };
        NetworkCreateRequest {
            name: spec.name.clone(),
            driver: Some("bridge".to_owned()),
            attachable: Some(false),
            ipam: Some(Ipam { config: Some(vec![config]), ..Ipam::default() }),
            options: Some(HashMap::from([(
                "com.docker.network.bridge.name".to_owned(),
                bridge_name(self.labels.installation(), &spec.name),
            )])),
            labels: Some(self.labels.plain()),
            ..NetworkCreateRequest::default()
        }
    }
}

/// What stands for an installation where names must be short: five hexadecimal digits.
pub(super) fn installation_tag(installation: &str) -> String {
    let mut tag = hex::encode(&Sha256::digest(installation)[..3]);
    tag.truncate(5);
    tag
}

/// How the names of all bridges of an installation begin: firewall rules name them by it.
pub(super) fn bridge_prefix(installation: &str) -> String {
    format!("ae{}", installation_tag(installation))
}

/// The name of the bridge on the host: the kernel allows 15 characters, so it carries digests. It is the same for the same
/// network name, which makes a second network of that name impossible.
fn bridge_name(installation: &str, network: &str) -> String {
    format!("{}{}", bridge_prefix(installation), hex::encode(&Sha256::digest(network)[..4]))
}

fn foreign(name: &str) -> CloudError {
    CloudError::new(CloudErrorKind::Conflict, format!("a network named {name} exists that is not ours"))
}

#[cfg(test)]
mod tests {
    use super::{bridge_name, bridge_prefix};

    #[test]
    fn bridge_names_fit_the_kernel_and_differ() {
        assert_eq!(bridge_name("a-very-long-installation", "a-very-long-network-name").len(), 15);
        assert_ne!(bridge_name("aerie", "aerie-a"), bridge_name("aerie", "aerie-b"));
        assert_eq!(bridge_name("aerie", "aerie-a"), bridge_name("aerie", "aerie-a"));
    }

    #[test]
    fn bridges_tell_their_installation() {
        assert!(bridge_name("aerie", "x").starts_with(&bridge_prefix("aerie")));
        assert_ne!(bridge_prefix("aerie"), bridge_prefix("aerie-test"));
    }
}
