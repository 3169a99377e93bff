//! What is on a volume.

use crate::VolumePath;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What something on a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum VolumeEntryKind {
    /// A folder, or a link to one.
    Folder,
    /// A file, or a link to one.
    File,
    /// Anything else: links that lead nowhere, sockets, pipes.
    Other,
}

/// A file or folder of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeEntryView {
    /// Its name; what is not UTF-8 in it is replaced, and such a file cannot be asked for.
    pub name: String,
    /// What it is.
    pub kind: VolumeEntryKind,
    /// Bytes of a file.
    pub size_bytes: u64,
    /// When its contents changed.
    #[serde(with = "time::serde::rfc3339")]
    pub modified_at: OffsetDateTime,
}

/// What is in a folder of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeFolderView {
    /// The folder; empty for the top of the volume.
    pub path: VolumePath,
    /// Folders first, then by name.
    pub entries: Vec<VolumeEntryView>,
    /// There is more in it than is listed here.
    pub truncated: bool,
}

impl VolumeFolderView {
    /// A folder with what is in it, at most `most` entries of it.
    pub fn new(path: VolumePath, mut entries: Vec<VolumeEntryView>, most: usize) -> Self {
        let truncated = entries.len() > most;
        entries.truncate(most);
        entries.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Self { path, entries, truncated }
    }
}

/// Which file or folder of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct VolumePathQuery {
    /// From the top of the volume on, with `/` between names; left out for the top.
    #[serde(default)]
    pub path: String,
}
