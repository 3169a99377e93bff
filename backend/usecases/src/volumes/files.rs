//! What is on volumes: listed, downloaded, uploaded and removed.
//!
//! Who may do it is decided here. The work is done by whoever has the cloud, behind [`VolumeFiles`]: use cases know no
//! container engine.

use super::require_ready;
use crate::{Actor, Outcome, Place, StagedUpload, UseCases, code::tidy_file_name};
use aerie_domain::{
    Problem, ProblemCode, VolumeId, VolumePath,
    views::{VolumeEntryKind, VolumeEntryView, VolumeFolderView},
};
use async_recursion::async_recursion as boxed;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use std::{io, sync::Arc};
use tokio_util::io::ReaderStream;

/// Largest file that can be uploaded, bytes. Larger: more of the director's disk while it arrives; smaller: people put films
/// elsewhere.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// Pieces of work with files that one user may have going on. More: one user can keep all others waiting; fewer: programs that
/// list many folders at a time are refused.
pub(crate) const FILES_AT_ONCE: usize = 2;

/// A file on its way from or to a volume.
pub struct VolumeContent {
    /// How much it is.
    pub bytes: u64,
    /// All of it; ends with an error when not all of it comes.
    pub content: BoxStream<'static, io::Result<Bytes>>,
}

/// Works with the files of volumes, for people who may. Problems are in their words.
#[async_trait]
pub trait VolumeFiles: Send + Sync + 'static {
    /// What is in a folder.
    async fn folder(&self, volume: VolumeId, path: &VolumePath) -> Result<VolumeFolderView, Problem>;
    /// A file.
    async fn read(&self, volume: VolumeId, path: &VolumePath) -> Result<VolumeContent, Problem>;
    /// Makes a file, or replaces it as a whole.
    async fn write(&self, volume: VolumeId, path: &VolumePath, content: VolumeContent) -> Result<(), Problem>;
    /// Removes a file, or a folder with all that is in it.
    async fn delete(&self, volume: VolumeId, path: &VolumePath) -> Result<(), Problem>;
}

impl UseCases {
    /// Who works with the files of volumes in this process. Nothing the second time.
    pub fn give_volume_files(&self, files: Arc<dyn VolumeFiles>) {
        if self.inner.volume_files.set(files).is_err() {
            tracing::debug!("the files of volumes are looked after already");
        }
    }

    /// What is in a folder of a volume.
    #[boxed]
    pub async fn volume_folder(&self, actor: &Actor, id: VolumeId, path: &str) -> Outcome<VolumeFolderView> {
        self.require_volume(actor, id).await?;
        let _place = self.take_place(actor)?;
        Ok(self.volume_files()?.folder(id, &volume_path(path)?).await?)
    }

    /// A file of a volume, and the name to save it under. Not for tokens that may only read: there may be passwords in it.
    #[boxed]
    pub async fn volume_file(&self, actor: &Actor, id: VolumeId, path: &str) -> Outcome<(VolumeContent, String)> {
        self.require_volume(actor, id).await?;
        actor.may_write()?;
        let _place = self.take_place(actor)?;
        let path = volume_path(path)?;
        Ok((self.volume_files()?.read(id, &path).await?, path.name().to_owned()))
    }

    /// Opens an upload. Refused before a byte is read when it could not be put on the volume, or when there is no room.
    #[boxed]
    pub async fn begin_volume_upload(&self, actor: &Actor, id: VolumeId) -> Outcome<StagedUpload<VolumeId>> {
        actor.may_write()?;
        self.require_volume(actor, id).await?;
        // once here, and once on the volume
        self.require_room(0)?;
        Ok(StagedUpload { of: id, incoming: self.incoming(MAX_FILE, "file").await? })
    }

    /// Puts what has arrived into a folder of the volume, which is made if it is not there, under its own name.
    #[boxed]
    pub async fn finish_volume_upload(
        &self,
        actor: &Actor,
        upload: StagedUpload<VolumeId>,
        folder: &str,
        file_name: &str,
    ) -> Outcome<VolumeEntryView> {
        let folder = volume_path(folder)?;
        let path =
            folder.child(&tidy_file_name(file_name)).map_err(|error| Problem::field("file", error.to_string()))?;
        self.put_on_volume(actor, upload, &path).await
    }

    /// Puts what has arrived on the volume at exactly this path.
    #[boxed]
    pub async fn finish_volume_upload_at(
        &self,
        actor: &Actor,
        upload: StagedUpload<VolumeId>,
        path: &str,
    ) -> Outcome<VolumeEntryView> {
        let path = volume_path(path)?;
        if path.is_top() {
            return Err(Problem::field("path", "must name a file").into());
        }
        self.put_on_volume(actor, upload, &path).await
    }

    async fn put_on_volume(
        &self,
        actor: &Actor,
        upload: StagedUpload<VolumeId>,
        path: &VolumePath,
    ) -> Outcome<VolumeEntryView> {
        let StagedUpload { of: volume, incoming } = upload;
        let (files, _place) = (self.volume_files()?, self.take_place(actor)?);
        let arrived = incoming.finish().await?;
        self.require_room(arrived.bytes)?;
        let file = tokio::fs::File::open(&arrived.path.0).await?;
        let content = VolumeContent { bytes: arrived.bytes, content: ReaderStream::new(file).boxed() };
        // written down before it happens: what was tried is known, too
        self.note_volume_change(actor, volume, "volume.upload", path).await?;
        files.write(volume, path, content).await?;
        self.store().volume_measure_soon(volume).await?;
        Ok(VolumeEntryView {
            name: path.name().to_owned(),
            kind: VolumeEntryKind::File,
            size_bytes: arrived.bytes,
            modified_at: self.store().database_now().await?,
        })
    }

    /// Removes a file of a volume, or a folder with all that is in it, for good.
    #[boxed]
    pub async fn delete_volume_file(&self, actor: &Actor, id: VolumeId, path: &str) -> Outcome<()> {
        actor.may_write()?;
        self.require_volume(actor, id).await?;
        let path = volume_path(path)?;
        if path.is_top() {
            return Err(Problem::field("path", "must name a file or a folder").into());
        }
        let (files, _place) = (self.volume_files()?, self.take_place(actor)?);
        self.note_volume_change(actor, id, "volume.delete_file", &path).await?;
        files.delete(id, &path).await?;
        Ok(self.store().volume_measure_soon(id).await?)
    }

    /// A volume of the actor's on which there can be something.
    async fn require_volume(&self, actor: &Actor, id: VolumeId) -> Outcome<()> {
        let row = self.store().volume_fetch(id).await?.filter(|row| row.owner_id == actor.user);
        let row = row.ok_or_else(|| Problem::not_found("volume"))?;
        if row.deleted_at.is_some() {
            return Err(Problem::new(ProblemCode::Conflict, "This volume is in the trash. Restore it first.").into());
        }
        require_ready(&row)
    }

    async fn note_volume_change(&self, actor: &Actor, id: VolumeId, action: &str, path: &VolumePath) -> Outcome<()> {
        let mut txn = self.store().begin().await?;
        let (row, application) = self.lock_owned_volume(&mut txn, actor, id).await?;
        let target = format!("volume {}/{}: {path}", application.name, row.name);
        txn.audit_append(&actor.audit(action, &target)).await?;
        Ok(txn.commit().await?)
    }

    fn take_place(&self, actor: &Actor) -> Outcome<Place> {
        let detail = "Too much is being done with your files at the same time. Try again in a moment.";
        self.inner.volume_work.take(actor.user).ok_or_else(|| Problem::new(ProblemCode::TooManyRequests, detail).into())
    }

    fn volume_files(&self) -> Outcome<&dyn VolumeFiles> {
        let files = self.inner.volume_files.get().map(AsRef::as_ref);
        files.ok_or_else(|| Problem::new(ProblemCode::Unavailable, "This director does not work with files.").into())
    }
}

fn volume_path(text: &str) -> Outcome<VolumePath> {
    text.parse().map_err(|error: aerie_domain::VolumePathError| Problem::field("path", error.to_string()).into())
}
