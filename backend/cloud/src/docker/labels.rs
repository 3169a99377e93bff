//! The labels by which we recognise what is ours, and whose it is.

use crate::{ContainerSpec, VolumeOwner};
use aerie_domain::{InstanceId, ServiceId};
use std::collections::HashMap;

const INSTALLATION: &str = "aerie.installation";
const INSTANCE: &str = "aerie.instance";
const SERVICE: &str = "aerie.service";
const VOLUME: &str = "aerie.volume";
const SPEC_HASH: &str = "aerie.spec-hash";
/// On the containers that mount for others.
const MOUNTER: &str = "aerie.mounter";
/// Images belong to no installation: they are immutable and named by their content, so installations share them.
const IMAGE: &str = "aerie.image";
const KIND: &str = "aerie.kind";

/// Makes and reads the labels of one installation.
#[derive(Debug, Clone)]
pub(super) struct Labels {
    installation: String,
}

/// What the labels of a container say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) instance: InstanceId,
    pub(super) service: ServiceId,
    pub(super) spec_hash: String,
}

impl Labels {
    pub(super) fn new(installation: &str) -> Self {
        Self { installation: installation.to_owned() }
    }

    /// The installation's name.
    pub(super) fn installation(&self) -> &str {
        &self.installation
    }

    /// Labels of something that belongs to the installation as a whole.
    pub(super) fn plain(&self) -> HashMap<String, String> {
        HashMap::from([(INSTALLATION.to_owned(), self.installation.clone())])
    }

    /// Labels of what belongs to a service.
    pub(super) fn of_service(&self, service: ServiceId) -> HashMap<String, String> {
        let mut labels = self.plain();
        labels.insert(SERVICE.to_owned(), service.to_string());
        labels
    }

    /// Labels of a volume.
    pub(super) fn of_volume(&self, owner: VolumeOwner) -> HashMap<String, String> {
        match owner {
            VolumeOwner::Service(service) => self.of_service(service),
            VolumeOwner::Volume(volume) => {
                let mut labels = self.plain();
                labels.insert(VOLUME.to_owned(), volume.to_string());
                labels
            }
        }
    }

    /// Labels of a container.
    pub(super) fn of_container(&self, spec: &ContainerSpec, spec_hash: &str) -> HashMap<String, String> {
        let mut labels = self.of_service(spec.service);
        labels.insert(INSTANCE.to_owned(), spec.instance.to_string());
        labels.insert(SPEC_HASH.to_owned(), spec_hash.to_owned());
        if spec.mounter {
            labels.insert(MOUNTER.to_owned(), "1".to_owned());
        }
        labels
    }

    /// Whether a container with these labels mounts for others.
    pub(super) fn are_of_mounter(labels: Option<&HashMap<String, String>>) -> bool {
        labels.is_some_and(|labels| labels.contains_key(MOUNTER))
    }

    /// The line of a Dockerfile that labels a kind's image.
    pub(super) fn dockerfile_line(kind: &str) -> String {
        format!("LABEL {IMAGE}=1 {KIND}={kind}\n")
    }

    /// The engine's filter for what is ours, or for what is ours and of one service.
    pub(super) fn filter(&self, service: Option<ServiceId>) -> HashMap<String, Vec<String>> {
        let mut wanted = vec![format!("{INSTALLATION}={}", self.installation)];
        wanted.extend(service.map(|service| format!("{SERVICE}={service}")));
        HashMap::from([("label".to_owned(), wanted)])
    }

    /// Whether something with these labels is ours.
    pub(super) fn are_ours(&self, labels: Option<&HashMap<String, String>>) -> bool {
        labels.and_then(|labels| labels.get(INSTALLATION)).is_some_and(|value| *value == self.installation)
    }

    /// Whose container it is; `None` when it is not ours or its labels make no sense.
    pub(super) fn identity(&self, labels: Option<&HashMap<String, String>>) -> Option<Identity> {
        let labels = labels.filter(|labels| self.are_ours(Some(labels)))?;
        Some(Identity {
            instance: labels.get(INSTANCE)?.parse().ok()?,
            service: labels.get(SERVICE)?.parse().ok()?,
            spec_hash: labels.get(SPEC_HASH)?.clone(),
        })
    }

    /// Whose volume it is.
    pub(super) fn volume_owner(&self, labels: &HashMap<String, String>) -> Option<VolumeOwner> {
        if !self.are_ours(Some(labels)) {
            return None;
        }
        match labels.get(VOLUME) {
            Some(volume) => volume.parse().ok().map(VolumeOwner::Volume),
            None => labels.get(SERVICE)?.parse().ok().map(VolumeOwner::Service),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_recognised_by_its_own_installation_only() {
        let spec = crate::spec::some_container();
        let (instance, service) = (spec.instance, spec.service);
        let labels = Labels::new("school").of_container(&spec, "abc");
        let identity = Identity { instance, service, spec_hash: "abc".into() };
        assert_eq!(Labels::new("school").identity(Some(&labels)), Some(identity));
        assert_eq!(Labels::new("other").identity(Some(&labels)), None);
        assert_eq!(Labels::new("school").identity(None), None);
    }
}
