//! Named volumes: data that outlives containers.
//!
//! A fresh volume takes content, owner and mode from the folder of the image over which it is first mounted. So a kind
//! that has a volume must make that folder in its Dockerfile, owned by 1000:1000.

use super::client::{Engine, call, checked_name, optional};
use crate::{CloudError, CloudErrorKind, ObservedVolume, VolumeSpec};
use bollard::{
    models::VolumeCreateRequest,
    query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions},
};

impl Engine {
    /// One call: making a volume that exists returns it.
    pub(super) async fn ensure_volume(&self, spec: &VolumeSpec) -> Result<(), CloudError> {
        checked_name(&spec.name)?;
        let request = VolumeCreateRequest {
            name: Some(spec.name.clone()),
            driver: Some("local".to_owned()),
            labels: Some(self.labels.of_volume(spec.owner)),
            ..VolumeCreateRequest::default()
        };
        let made = call(&format!("making volume {}", spec.name), self.docker.create_volume(request)).await?;
        if self.labels.volume_owner(&made.labels) == Some(spec.owner) { Ok(()) } else { Err(foreign(&spec.name)) }
    }

    /// Whether it is there; an error when it is somebody else's.
    pub(super) async fn has_volume(&self, spec: &VolumeSpec) -> Result<bool, CloudError> {
        checked_name(&spec.name)?;
        let what = format!("looking at volume {}", spec.name);
        let Some(found) = optional(call(&what, self.docker.inspect_volume(&spec.name)).await)? else {
            return Ok(false);
        };
        if self.labels.volume_owner(&found.labels) == Some(spec.owner) { Ok(true) } else { Err(foreign(&spec.name)) }
    }

    pub(super) async fn remove_volume(&self, name: &str) -> Result<(), CloudError> {
        checked_name(name)?;
        let what = format!("looking at volume {name}");
        let Some(found) = optional(call(&what, self.docker.inspect_volume(name)).await)? else { return Ok(()) };
        if !self.labels.are_ours(Some(&found.labels)) {
            return Err(foreign(name));
        }
        let options = RemoveVolumeOptions { force: false };
        let removal = self.docker.remove_volume(name, Some(options));
        optional(call(&format!("removing volume {name}"), removal).await).map(drop)
    }

    pub(super) async fn volumes(&self) -> Result<Vec<ObservedVolume>, CloudError> {
        let filters = self.labels.filter(None);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let listed = call("listing volumes", self.docker.list_volumes(Some(options))).await?;
        let mut found: Vec<_> = listed
            .volumes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|volume| {
                let owner = self.labels.volume_owner(&volume.labels)?;
                Some(ObservedVolume { name: volume.name, owner })
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

fn foreign(name: &str) -> CloudError {
    let message = format!("a volume named {name} exists that is not ours or belongs to something else");
    CloudError::new(CloudErrorKind::Conflict, message)
}
