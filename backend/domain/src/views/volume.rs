//! Volumes: named things of an application that keep files and outlive services.

use super::ServiceLink;
use crate::{ApplicationId, ServiceId, VolumeId, VolumeState};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeView {
    /// Id.
    pub id: VolumeId,
    /// The application it belongs to; none when that is gone.
    pub application_id: Option<ApplicationId>,
    /// That application's name; empty when it is gone.
    pub application: String,
    /// Name, unique in its application.
    pub name: String,
    /// A line about what it is for.
    pub note: String,
    /// How it is.
    pub state: VolumeState,
    /// Why it failed.
    pub reason: String,
    /// Bytes on it, as last measured: when it was changed by a click, and every ten minutes while a service has it.
    pub size_bytes: Option<u64>,
    /// When that was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub measured_at: Option<OffsetDateTime>,
    /// There is a warning when it holds more than this, MiB. Nothing stops who writes more.
    pub warn_mib: u32,
    /// It holds more.
    pub is_large: bool,
    /// The service of its application that keeps its content; none when it lies on the host of the containers.
    #[serde(default)]
    pub kept_by: Option<ServiceLink>,
    /// How much may be on it, MiB. Only where a service keeps it.
    #[serde(default)]
    pub quota_mib: Option<u32>,
    /// Services that have it.
    pub used_by: Vec<VolumeUseView>,
    /// When created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// In the trash: when it and all that is on it will be removed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub removed_at: Option<OffsetDateTime>,
}

/// A service that has a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeUseView {
    /// The service.
    pub service: ServiceLink,
    /// Where its instances see it.
    pub path: String,
    /// They cannot write to it.
    pub read_only: bool,
}

/// What a service makes of its application's volumes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceVolumesView {
    /// Volumes appear below this folder; empty when services of this kind take none.
    pub folder: String,
    /// All volumes of the application that can be used.
    pub volumes: Vec<ServiceVolumeView>,
}

/// A volume as a service sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceVolumeView {
    /// The volume.
    pub id: VolumeId,
    /// Its name.
    pub name: String,
    /// The service has it.
    pub attached: bool,
    /// Where its instances see it, or would by default.
    pub path: String,
    /// They cannot write to it.
    pub read_only: bool,
}

/// Form that makes a volume.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateVolume {
    /// Name.
    pub name: String,
    /// A line about what it is for.
    #[serde(default)]
    pub note: String,
    /// Warn above so many MiB; 1024 when left out.
    #[serde(default)]
    pub warn_mib: Option<i64>,
    /// A service of the application that shall keep its content, of a kind that can (files); left out, it lies on the host of
    /// the containers. That stays so.
    #[serde(default)]
    pub kept_by: Option<ServiceId>,
    /// How much may be on it, MiB; no limit when left out. Only where a service keeps it.
    #[serde(default)]
    pub quota_mib: Option<i64>,
}

/// Form that changes a volume. What is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeVolume {
    /// New name.
    #[serde(default)]
    pub name: Option<String>,
    /// New note.
    #[serde(default)]
    pub note: Option<String>,
    /// Warn above so many MiB.
    #[serde(default)]
    pub warn_mib: Option<i64>,
    /// How much may be on it, MiB; 0 for no limit. Only where a service keeps it.
    #[serde(default)]
    pub quota_mib: Option<i64>,
}

/// Form that makes a copy of a volume.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SnapshotVolume {
    /// Name of the copy.
    pub name: String,
}

/// Form that takes a volume out of the trash.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreVolume {
    /// Into this application; left out, into the one it was in.
    #[serde(default)]
    pub application_id: Option<ApplicationId>,
}

/// Form that gives a volume to a service.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttachVolume {
    /// Where its instances see it; left out, below the kind's folder by the volume's name.
    #[serde(default)]
    pub path: Option<String>,
    /// They cannot write to it.
    #[serde(default)]
    pub read_only: bool,
}
