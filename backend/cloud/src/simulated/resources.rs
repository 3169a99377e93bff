//! Networks, volumes and images of the simulated cloud.

use super::{
    subnet::Subnet,
    world::{Network, World, conflict},
};
use crate::{
    CloudError, CloudErrorKind, ContainerSpec, NetworkSpec, ObservedNetwork, ObservedVolume, VolumeOwner, VolumeSpec,
};

impl World {
    pub(super) fn ensure_network(&mut self, spec: &NetworkSpec) -> Result<(), CloudError> {
        if let Some(found) = self.networks.get(&spec.name) {
            if found.spec.subnet == spec.subnet {
                return Ok(());
            }
            return Err(conflict(format!("network {} exists with another subnet than {}", spec.name, spec.subnet)));
        }
        let Some(subnet) = Subnet::parse(&spec.subnet, spec.gateway) else {
            let message = format!("{:?} is not a subnet", spec.subnet);
            return Err(CloudError::new(CloudErrorKind::InvalidSpec, message));
        };
        let below = self.subnets.range(..=subnet.last).next_back();
        if below.and_then(|(_, name)| self.networks.get(name)).is_some_and(|near| near.subnet.last >= subnet.first) {
            let message = format!("network {}: subnet {} overlaps with another network", spec.name, spec.subnet);
            return Err(conflict(message));
        }
        self.subnets.insert(subnet.first, spec.name.clone());
        let network = Network { spec: spec.clone(), subnet, created_at: self.now() };
        self.networks.insert(spec.name.clone(), network);
        Ok(())
    }

    pub(super) fn remove_network(&mut self, name: &str) -> Result<(), CloudError> {
        let Some(found) = self.networks.get(name) else { return Ok(()) };
        if found.subnet.in_use() {
            return Err(conflict(format!("network {name} has containers attached")));
        }
        self.subnets.remove(&found.subnet.first);
        self.networks.remove(name);
        Ok(())
    }

    pub(super) fn networks(&self) -> Vec<ObservedNetwork> {
        let observed = |(name, network): (&String, &Network)| ObservedNetwork {
            name: name.clone(),
            created_at: Some(network.created_at),
        };
        self.networks.iter().map(observed).collect()
    }

    pub(super) fn ensure_volume(&mut self, name: &str, owner: VolumeOwner) -> Result<(), CloudError> {
        if *self.volumes.entry(name.to_owned()).or_insert(owner) == owner {
            Ok(())
        } else {
            Err(conflict(format!("volume {name} belongs to something else")))
        }
    }

    /// Only that there is something: nothing is ever written here.
    pub(super) fn copy_volume(&mut self, from: &str, to: &VolumeSpec) -> Result<(), CloudError> {
        if !self.volumes.contains_key(from) {
            return Err(CloudError::new(CloudErrorKind::NotFound, format!("there is no volume {from}")));
        }
        self.ensure_volume(&to.name, to.owner)
    }

    pub(super) fn volume_bytes(&self, name: &str) -> u64 {
        if self.volumes.contains_key(name) { 4096 } else { 0 }
    }

    pub(super) fn remove_volume(&mut self, name: &str) -> Result<(), CloudError> {
        let Some(owner) = self.volumes.get(name) else { return Ok(()) };
        let has = |spec: &ContainerSpec| spec.volumes.iter().any(|mount| mount.volume == name);
        let in_use = match owner {
            VolumeOwner::Service(service) => {
                let users = self.by_service.get(service).into_iter().flatten();
                users.filter_map(|user| self.containers.get(user)).any(|container| has(&container.spec))
            }
            VolumeOwner::Volume(_) => self.containers.values().any(|container| has(&container.spec)),
        };
        if in_use {
            return Err(conflict(format!("volume {name} is in use")));
        }
        self.volumes.remove(name);
        self.files.remove(name);
        Ok(())
    }

    pub(super) fn volumes(&self) -> Vec<ObservedVolume> {
        let observed = |(name, &owner): (&String, &VolumeOwner)| ObservedVolume { name: name.clone(), owner };
        self.volumes.iter().map(observed).collect()
    }

    pub(super) fn has_image(&self, name: &str) -> bool {
        self.images.contains_key(name)
    }

    pub(super) fn image_built(&mut self, name: &str) {
        *self.images.entry(name.to_owned()).or_default() += 1;
    }

    pub(super) fn builds_of(&self, name: &str) -> u64 {
        self.images.get(name).copied().unwrap_or_default()
    }
}
