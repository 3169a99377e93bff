//! Where the content of people's volumes lies: on the engine's host, or with a service of their application, whose mounter
//! makes it reachable.
//!
//! Called for the worlds of services that have or keep volumes, for work on volumes, and by the director for people's files;
//! reads the store.

use crate::{names, world::VolumePlace};
use aerie_cloud::{VolumeOwner, VolumeSpec};
use aerie_domain::{RolePhase, ServiceId, VolumeId};
use aerie_kinds::{Carried, Kind, Kinds};
use aerie_store::{InstanceRow, Store, StoreError, VolumeRow};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

/// What a volume's folder is called where services keep it.
fn folder(id: VolumeId) -> String {
    id.0.simple().to_string()
}

/// The volumes whose content a service keeps. Those in the trash are among them: their content stays until their time is over.
pub(crate) async fn carried(store: &Store, service: ServiceId) -> Result<Vec<Carried>, StoreError> {
    let rows = store.volumes_carried(service).await?;
    Ok(rows.iter().map(|row| Carried { folder: folder(row.id), quota_mib: row.quota_mib }).collect())
}

/// Where volumes lie, by their ids. What is read of a service that keeps several is read once.
pub(crate) async fn places(
    store: &Store,
    kinds: &Kinds,
    installation: &str,
    volumes: &[VolumeRow],
) -> Result<HashMap<VolumeId, VolumePlace>, StoreError> {
    let mut carriers = HashMap::new();
    let mut places = HashMap::with_capacity(volumes.len());
    for volume in volumes {
        let place = match volume.carried_by {
            None => VolumePlace::Host,
            Some(id) => {
                let carrier = match carriers.entry(id) {
                    Entry::Occupied(read) => read.into_mut(),
                    Entry::Vacant(unread) => unread.insert(Carrier::read(store, kinds, id).await?),
                };
                carrier.place(installation, volume.id)
            }
        };
        places.insert(volume.id, place);
    }
    Ok(places)
}

/// A service that keeps volumes, as far as it can be reached.
#[derive(Default)]
struct Carrier {
    name: String,
    kind: Option<Arc<Kind>>,
    instances: Vec<InstanceRow>,
}

impl Carrier {
    async fn read(store: &Store, kinds: &Kinds, id: ServiceId) -> Result<Self, StoreError> {
        let Some(service) = store.service_fetch(id).await? else { return Ok(Self::default()) };
        let kind = kinds.get(service.kind.as_str()).cloned();
        let instances = if kind.is_some() { store.instance_list(id).await? } else { Vec::new() };
        Ok(Self { name: service.name.to_string(), kind, instances })
    }

    fn place(&self, installation: &str, volume: VolumeId) -> VolumePlace {
        let has_it = |row: &&InstanceRow| self.kind.as_ref().is_some_and(|kind| has_mounted(kind, row, volume));
        match self.instances.iter().find(has_it) {
            Some(row) => VolumePlace::Carried(names::container(installation, row.service_id, row.id)),
            None => VolumePlace::Away(self.name.clone()),
        }
    }
}

/// It serves, and has brought about a configuration that names the volume.
fn has_mounted(kind: &Kind, row: &InstanceRow, volume: VolumeId) -> bool {
    let serves = |row: &InstanceRow| {
        let mounter = kind.spec.mounter().map(|role| &role.name);
        row.roles.iter().any(|role| Some(&role.role) == mounter && role.phase == RolePhase::Serving)
    };
    let config = row
        .config
        .as_ref()
        .filter(|config| row.report.as_ref().is_some_and(|report| report.applied_generation >= config.generation));
    let folder = folder(volume);
    row.wanted
        && row.container_status == "running"
        && serves(row)
        && config.is_some_and(|config| config.files.iter().any(|file| file.content.contains(&folder)))
}

/// What the cloud has to know of a volume; the name of the service that keeps it when that cannot be reached now.
///
/// # Errors
/// When the database does not answer.
pub async fn volume_spec(
    store: &Store,
    kinds: &Kinds,
    installation: &str,
    volume: &VolumeRow,
) -> Result<Result<VolumeSpec, String>, StoreError> {
    let name = names::named_volume(installation, volume.id);
    let spec = VolumeSpec::on_host(name, VolumeOwner::Volume(volume.id));
    let mut places = places(store, kinds, installation, std::slice::from_ref(volume)).await?;
    Ok(match places.remove(&volume.id) {
        None | Some(VolumePlace::Host) => Ok(spec),
        Some(VolumePlace::Carried(container)) => Ok(VolumeSpec { carrier: Some(container), ..spec }),
        Some(VolumePlace::Away(service)) => Err(service),
    })
}
