//! Files on the volumes of the simulated cloud: kept in memory, with folders as far as something is in them.

use super::world::{World, conflict};
use crate::{CloudError, CloudErrorKind, MOST_ENTRIES, VolumeSpec};
use aerie_domain::{
    VolumePath,
    views::{VolumeEntryKind, VolumeEntryView, VolumeFolderView},
};
use bytes::Bytes;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A file and when it was written.
pub(super) struct File {
    content: Bytes,
    at: OffsetDateTime,
}

/// The files of a volume, by their paths.
pub(super) type Files = BTreeMap<String, File>;

impl World {
    pub(super) fn volume_folder(
        &mut self,
        volume: &VolumeSpec,
        path: &VolumePath,
    ) -> Result<VolumeFolderView, CloudError> {
        let files = self.files_of(volume)?;
        let start = if path.is_top() { String::new() } else { format!("{path}/") };
        let mut found: BTreeMap<&str, VolumeEntryView> = BTreeMap::new();
        for (below, file) in files.iter().filter_map(|(name, file)| Some((name.strip_prefix(&start)?, file))) {
            let (name, kind, bytes) = match below.split_once('/') {
                Some((folder, _)) => (folder, VolumeEntryKind::Folder, 0),
                None => (below, VolumeEntryKind::File, file.content.len() as u64),
            };
            let entry = VolumeEntryView { name: name.to_owned(), kind, size_bytes: bytes, modified_at: file.at };
            found.insert(name, entry);
        }
        if found.is_empty() && !path.is_top() {
            return Err(if files.contains_key(path.as_str()) { not_a_folder() } else { missing() });
        }
        Ok(VolumeFolderView::new(path.clone(), found.into_values().collect(), MOST_ENTRIES))
    }

    pub(super) fn volume_read(&mut self, volume: &VolumeSpec, path: &VolumePath) -> Result<Bytes, CloudError> {
        let files = self.files_of(volume)?;
        if let Some(file) = files.get(path.as_str()) {
            return Ok(file.content.clone());
        }
        Err(if path.is_top() || has_below(files, path) { not_a_file() } else { missing() })
    }

    pub(super) fn volume_write(
        &mut self,
        volume: &VolumeSpec,
        path: &VolumePath,
        content: Bytes,
    ) -> Result<(), CloudError> {
        let at = self.now();
        let files = self.files_of(volume)?;
        if path.is_top() || has_below(files, path) {
            return Err(not_a_file());
        }
        if path.parent().into_iter().flat_map(|parent| parent.steps()).any(|step| files.contains_key(step.as_str())) {
            return Err(not_a_folder());
        }
        files.insert(path.to_string(), File { content, at });
        Ok(())
    }

    pub(super) fn volume_delete(&mut self, volume: &VolumeSpec, path: &VolumePath) -> Result<(), CloudError> {
        let files = self.files_of(volume)?;
        if path.is_top() {
            return Err(not_a_file());
        }
        let (before, start) = (files.len(), format!("{path}/"));
        files.retain(|name, _| name != path.as_str() && !name.starts_with(&start));
        if files.len() == before { Err(missing()) } else { Ok(()) }
    }

    fn files_of(&mut self, volume: &VolumeSpec) -> Result<&mut Files, CloudError> {
        self.ensure_volume(&volume.name, volume.owner)?;
        Ok(self.files.entry(volume.name.clone()).or_default())
    }
}

fn has_below(files: &Files, path: &VolumePath) -> bool {
    let start = format!("{path}/");
    files.keys().any(|name| name.starts_with(&start))
}

fn missing() -> CloudError {
    CloudError::new(CloudErrorKind::NotFound, "nothing is there")
}

fn not_a_folder() -> CloudError {
    conflict("it is a file, not a folder".to_owned())
}

fn not_a_file() -> CloudError {
    conflict("it is a folder, not a file".to_owned())
}
