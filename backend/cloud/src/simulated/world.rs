//! What exists in the simulated cloud: the containers, and what they need from `resources`. Pure state behind a lock:
//! nothing here waits.

use super::{files::Files, logs::Log, subnet::Subnet};
use crate::{
    CloudError, CloudErrorKind, CloudEvent, ContainerSpec, ContainerStatus, NetworkMode, NetworkSpec, Observed, Scope,
    VolumeOwner,
};
use aerie_domain::ServiceId;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};
use time::OffsetDateTime;
use tokio::{
    sync::{broadcast, mpsc},
    time::Instant,
};

/// Events kept for slow readers. Fewer and a burst of starts is partly missed; more costs memory.
const EVENT_BACKLOG: usize = 4096;

/// Decides whether a container ends as soon as it starts, and with which code.
pub(super) type ExitRule = Arc<dyn Fn(&ContainerSpec) -> Option<i64> + Send + Sync>;

pub(super) struct World {
    epoch: OffsetDateTime,
    began: Instant,
    serial: u64,
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) by_service: BTreeMap<ServiceId, BTreeSet<String>>,
    pub(super) networks: BTreeMap<String, Network>,
    /// First address of each network's subnet, to find overlaps.
    pub(super) subnets: BTreeMap<u32, String>,
    pub(super) volumes: BTreeMap<String, VolumeOwner>,
    pub(super) files: BTreeMap<String, Files>,
    pub(super) images: BTreeMap<String, u64>,
    events: broadcast::Sender<CloudEvent>,
    pub(super) foreign: BTreeSet<String>,
    pub(super) exit_rule: Option<ExitRule>,
    pub(super) starts: Vec<mpsc::UnboundedSender<ContainerSpec>>,
}

pub(super) struct Container {
    serial: u64,
    pub(super) spec: ContainerSpec,
    observed: Observed,
    log: Log,
}

pub(super) struct Network {
    pub(super) spec: NetworkSpec,
    pub(super) subnet: Subnet,
    pub(super) created_at: OffsetDateTime,
}

/// What came of a request for a container.
pub(super) enum Arrival {
    Runs(Observed),
    /// Made, or found there; to be started by [`World::start`].
    ToStart(u64),
}

impl World {
    pub(super) fn new(epoch: OffsetDateTime) -> Self {
        Self {
            epoch,
            began: Instant::now(),
            serial: 0,
            containers: BTreeMap::new(),
            by_service: BTreeMap::new(),
            networks: BTreeMap::new(),
            subnets: BTreeMap::new(),
            volumes: BTreeMap::new(),
            files: BTreeMap::new(),
            images: BTreeMap::new(),
            events: broadcast::Sender::new(EVENT_BACKLOG),
            foreign: BTreeSet::new(),
            exit_rule: None,
            starts: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.epoch + self.began.elapsed()
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<CloudEvent> {
        self.events.subscribe()
    }

    /// Ends all event streams.
    pub(super) fn disconnect(&mut self) {
        self.events = broadcast::Sender::new(EVENT_BACKLOG);
    }

    pub(super) fn inventory(&self, scope: Scope) -> Vec<Observed> {
        match scope {
            Scope::Installation => self.containers.values().map(|container| container.observed.clone()).collect(),
            Scope::Service(service) => {
                let names = self.by_service.get(&service).into_iter().flatten();
                names.filter_map(|name| self.observed(name)).collect()
            }
        }
    }

    pub(super) fn observed(&self, name: &str) -> Option<Observed> {
        self.containers.get(name).map(|container| container.observed.clone())
    }

    pub(super) fn spec(&self, name: &str) -> Option<ContainerSpec> {
        self.containers.get(name).map(|container| container.spec.clone())
    }

    pub(super) fn runs(&self, name: &str) -> bool {
        self.containers.get(name).is_some_and(|container| container.observed.status == ContainerStatus::Running)
    }

    pub(super) fn log_of(&self, name: &str) -> Result<Log, CloudError> {
        let container = self.containers.get(name);
        container.map(|container| container.log.clone()).ok_or_else(|| absent("container", name))
    }

    /// Makes, adopts or replaces.
    pub(super) fn arrive(&mut self, spec: &ContainerSpec) -> Result<Arrival, CloudError> {
        if self.foreign.contains(&spec.name) {
            return Err(conflict(format!("a container named {} exists that is not ours", spec.name)));
        }
        if spec.memory_mib == 0 || spec.cpu_millis == 0 || spec.pids == 0 {
            let message = format!("container {}: a limit is missing", spec.name);
            return Err(CloudError::new(CloudErrorKind::InvalidSpec, message));
        }
        if !self.images.contains_key(&spec.image) {
            return Err(absent("image", &spec.image));
        }
        if let NetworkMode::Private { network, .. } = &spec.network
            && !self.networks.contains_key(network)
        {
            return Err(absent("network", network));
        }
        let hash = spec.hash();
        if let Some(found) = self.containers.get(&spec.name) {
            match found.observed.status {
                ContainerStatus::Running => return Ok(Arrival::Runs(found.observed.clone())),
                ContainerStatus::Created if found.observed.spec_hash == hash => {
                    return Ok(Arrival::ToStart(found.serial));
                }
                ContainerStatus::Created | ContainerStatus::Exited { .. } => self.remove_container(&spec.name)?,
            }
        }
        for mount in &spec.volumes {
            let owner = mount.named.map_or(VolumeOwner::Service(spec.service), VolumeOwner::Volume);
            self.volumes.entry(mount.volume.clone()).or_insert(owner);
        }
        Ok(Arrival::ToStart(self.create(spec, hash)))
    }

    fn create(&mut self, spec: &ContainerSpec, spec_hash: String) -> u64 {
        self.serial += 1;
        let observed = Observed {
            name: spec.name.clone(),
            instance: spec.instance,
            service: spec.service,
            spec_hash,
            status: ContainerStatus::Created,
            address: None,
            created_at: Some(self.now()),
        };
        let container = Container { serial: self.serial, spec: spec.clone(), observed, log: Log::new() };
        self.by_service.entry(spec.service).or_default().insert(spec.name.clone());
        self.containers.insert(spec.name.clone(), container);
        self.serial
    }

    /// Starts what [`World::arrive`] made, unless somebody else did or removed it meanwhile.
    pub(super) fn start(&mut self, name: &str, serial: u64) -> Result<Observed, CloudError> {
        let rule = self.exit_rule.clone();
        let container = self.containers.get_mut(name).filter(|container| container.serial == serial);
        let Some(container) = container else {
            let message = format!("container {name} was removed while it started");
            return Err(CloudError::new(CloudErrorKind::Transient, message));
        };
        if container.observed.status != ContainerStatus::Created {
            return Ok(container.observed.clone());
        }
        if let NetworkMode::Private { network, .. } = &container.spec.network {
            let found = self.networks.get_mut(network).ok_or_else(|| absent("network", network))?;
            let address = found.subnet.take().ok_or_else(|| {
                CloudError::new(CloudErrorKind::Transient, format!("network {network} has no address left"))
            })?;
            container.observed.address = Some(address);
        }
        container.observed.status = ContainerStatus::Running;
        let spec = container.spec.clone();
        let hint = CloudEvent { service: spec.service, instance: spec.instance };
        let exit = rule.and_then(|rule| rule(&spec));
        self.tell(hint);
        match exit {
            Some(code) => drop(self.end(name, code, false)),
            None => self.starts.retain(|listener| listener.send(spec.clone()).is_ok()),
        }
        self.observed(name).ok_or_else(|| absent("container", name))
    }

    /// Ends a running container. `false` when it does not run.
    pub(super) fn end(&mut self, name: &str, code: i64, out_of_memory: bool) -> bool {
        let Some(container) = self.containers.get_mut(name) else { return false };
        if container.observed.status != ContainerStatus::Running {
            return false;
        }
        container.observed.status = ContainerStatus::Exited { code, out_of_memory };
        container.log.end();
        let hint = CloudEvent { service: container.spec.service, instance: container.spec.instance };
        let address = container.observed.address.take();
        let network = container.spec.network.clone();
        self.give_back(&network, address);
        self.tell(hint);
        true
    }

    pub(super) fn remove_container(&mut self, name: &str) -> Result<(), CloudError> {
        if self.foreign.contains(name) {
            return Err(conflict(format!("container {name} is not ours, so it stays")));
        }
        let Some(container) = self.containers.remove(name) else { return Ok(()) };
        container.log.end();
        self.give_back(&container.spec.network, container.observed.address);
        if let Some(names) = self.by_service.get_mut(&container.spec.service) {
            names.remove(name);
            if names.is_empty() {
                self.by_service.remove(&container.spec.service);
            }
        }
        self.tell(CloudEvent { service: container.spec.service, instance: container.spec.instance });
        Ok(())
    }

    fn give_back(&mut self, network: &NetworkMode, address: Option<IpAddr>) {
        if let (NetworkMode::Private { network, .. }, Some(address)) = (network, address)
            && let Some(found) = self.networks.get_mut(network)
        {
            found.subnet.give_back(address);
        }
    }

    fn tell(&self, hint: CloudEvent) {
        // Fails only when nobody listens.
        drop(self.events.send(hint));
    }
}

pub(super) fn conflict(message: String) -> CloudError {
    CloudError::new(CloudErrorKind::Conflict, message)
}

pub(super) fn absent(what: &str, name: &str) -> CloudError {
    CloudError::new(CloudErrorKind::NotFound, format!("there is no {what} {name}"))
}
