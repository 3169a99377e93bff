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

/// What a volume's folder is called where services keep it.
fn folder(id: VolumeId) -> String {
    id.0.simple().to_string()
}

/// The volumes whose content a service keeps. Those in the trash are among them: their content stays until their time is over.
pub(crate) async fn carried(store: &Store, service: ServiceId) -> Result<Vec<Carried>, StoreError> {
    let rows = store.volumes_carried(service).await?;
    Ok(rows.iter().map(|row| Carried { folder: folder(row.id), quota_mib: row.quota_mib }).collect())
}

/// Where a volume lies.
pub(crate) async fn place(
    store: &Store,
    kinds: &Kinds,
    installation: &str,
    volume: &VolumeRow,
) -> Result<VolumePlace, StoreError> {
    let Some(carrier) = volume.carried_by else { return Ok(VolumePlace::Host) };
    let Some(service) = store.service_fetch(carrier).await? else { return Ok(VolumePlace::Away(String::new())) };
    let Some(kind) = kinds.get(service.kind.as_str()) else { return Ok(VolumePlace::Away(service.name.to_string())) };
    let instances = store.instance_list(carrier).await?;
    let mounter = instances.iter().find(|row| has_mounted(kind, row, volume.id));
    Ok(match mounter {
        Some(row) => VolumePlace::Carried(names::container(installation, carrier, row.id)),
        None => VolumePlace::Away(service.name.to_string()),
    })
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
    Ok(match place(store, kinds, installation, volume).await? {
        VolumePlace::Host => Ok(spec),
        VolumePlace::Carried(container) => Ok(VolumeSpec { carrier: Some(container), ..spec }),
        VolumePlace::Away(service) => Err(service),
    })
}
