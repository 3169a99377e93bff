//! Code versions: streamed to disk, checked, kept under their digest, then made a row.
//!
//! A crash at any point leaves at most a temporary file or a blob without a row; both are collected as garbage.

use crate::{
    Actor, Failure, Outcome, UseCases,
    blobs::{Arrived, Incoming},
};
use aerie_archive::{ArchiveError, Limits};
use aerie_crash_points as crash_points;
use aerie_domain::{
    CodeVersionId, InstanceId, OperationKind, Problem, ProblemCode, ServiceId,
    views::{Accepted, CodeVersionView, EventKind, Page, PageQuery},
};
use aerie_store::{NewVersion, VersionRow};
use async_recursion::async_recursion as boxed;
use std::path::PathBuf;
use tokio::task::spawn_blocking;

/// Limits of an upload.
#[derive(Debug, Clone, Default)]
pub struct UploadLimits {
    /// What the archive room accepts.
    pub archive: Limits,
}

/// Longest note, in characters.
const MAX_NOTE: usize = 500;
/// Longest file name that is kept, in characters.
const MAX_FILE_NAME: usize = 100;

/// An upload that is arriving, for a service or something else. Dropped unfinished, it leaves nothing behind.
pub struct StagedUpload<O = ServiceId> {
    pub(crate) of: O,
    pub(crate) incoming: Incoming,
}

impl<O> StagedUpload<O> {
    /// Appends what has arrived.
    pub async fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.incoming.write(bytes).await
    }
}

impl UseCases {
    /// The versions of a service, newest first.
    #[boxed]
    pub async fn versions(
        &self,
        actor: &Actor,
        service: ServiceId,
        page: &PageQuery,
    ) -> Outcome<Page<CodeVersionView>> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let after = page.after.as_deref().map(str::parse).transpose();
        let after: Option<i32> = after.map_err(|_| Problem::field("after", "must be the next of an earlier page"))?;
        let limit = page.limit();
        let rows = self.store().version_list(service.id, after, i64::from(limit) + 1).await?;
        let more = rows.len() > limit as usize;
        let items: Vec<CodeVersionView> =
            rows.iter().take(limit as usize).map(|row| crate::view::version(row, &service)).collect();
        let next = if more { items.last().map(|item| item.number.to_string()) } else { None };
        Ok(Page { items, next })
    }

    /// One version.
    #[boxed]
    pub async fn version(&self, actor: &Actor, service: ServiceId, version: CodeVersionId) -> Outcome<CodeVersionView> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let row = self.version_row(service.id, version).await?;
        Ok(crate::view::version(&row, &service))
    }

    async fn version_row(&self, service: ServiceId, version: CodeVersionId) -> Outcome<VersionRow> {
        let row = self.store().version_fetch(service, version).await?;
        row.ok_or_else(|| Problem::not_found("code version").into())
    }

    /// Opens an upload. Refused before a byte is read when the service takes no code, keeps too many versions or the
    /// disk is nearly full.
    #[boxed]
    pub async fn begin_upload(&self, actor: &Actor, service: ServiceId) -> Outcome<StagedUpload> {
        actor.may_write()?;
        let (service, ..) = self.owned_service(actor, service).await?;
        self.require_code(&service)?;
        let kept =
            self.store().version_list(service.id, None, i64::from(self.settings().max_versions) + 1).await?.len();
        if kept > self.settings().max_versions as usize {
            let detail = format!(
                "A service keeps at most {} versions. Delete some that you no longer need.",
                self.settings().max_versions
            );
            return Err(Problem::new(ProblemCode::LimitReached, detail).into());
        }
        let limit = self.settings().uploads.archive.max_upload_bytes;
        self.require_room(limit)?;
        Ok(StagedUpload { of: service.id, incoming: self.incoming(limit, "archive").await? })
    }

    /// Checks what has arrived and makes it a version. It is not active until somebody activates it.
    #[boxed]
    pub async fn finish_upload(
        &self,
        actor: &Actor,
        upload: StagedUpload,
        file_name: &str,
        note: &str,
    ) -> Outcome<CodeVersionView> {
        actor.may_write()?;
        let StagedUpload { of: service, incoming } = upload;
        if note.chars().count() > MAX_NOTE {
            return Err(Problem::field("note", format!("must have at most {MAX_NOTE} characters")).into());
        }
        let Arrived { path, digest, bytes: written } = incoming.finish().await?;
        crash_points::pass(crash_points::Point::UploadReceived);
        let normalised = self.incoming_path().await?;
        let (input, output, limits) = (path.0.clone(), normalised.0.clone(), self.settings().uploads.archive.clone());
        let summary = spawn_blocking(move || aerie_archive::normalise(&input, &output, &limits))
            .await
            .map_err(|error| Failure::Bug(format!("the archive check ended early: {error}")))?
            .map_err(archive_failure)?;
        self.keep_blob(&path.0, &digest).await?;
        self.keep_blob(&normalised.0, &summary.normalised_digest).await?;
        crash_points::pass(crash_points::Point::UploadKept);
        let new = NewVersion {
            id: CodeVersionId::generate(),
            service_id: service,
            name: tidy_file_name(file_name),
            digest,
            size_bytes: i64::try_from(written).unwrap_or(i64::MAX),
            files: i64::try_from(summary.files).unwrap_or(i64::MAX),
            normalised_digest: summary.normalised_digest,
            normalised_bytes: i64::try_from(summary.normalised_bytes).unwrap_or(i64::MAX),
            note: note.trim().to_owned(),
            uploaded_by: Some(actor.user),
        };
        let mut txn = self.store().begin().await?;
        // Locked, so that a service that is being deleted meanwhile does not get a version.
        let row = self.lock_owned_service(&mut txn, actor, service).await?;
        txn.version_insert(&new).await?;
        self.record(&mut txn, actor, "version.upload", &row, EventKind::Service).await?;
        txn.commit().await?;
        crash_points::pass(crash_points::Point::UploadCommitted);
        self.version(actor, service, new.id).await
    }

    /// Makes a version the one that visitors get.
    #[boxed]
    pub async fn activate_version(
        &self,
        actor: &Actor,
        service: ServiceId,
        version: CodeVersionId,
    ) -> Outcome<Accepted> {
        actor.may_write()?;
        self.version(actor, service, version).await?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, service).await?;
        self.ensure_may_activate(&mut txn, &row.service).await?;
        let mut intent = row.service.intent();
        intent.active_version_id = Some(version);
        self.accept(txn, actor, &row, &intent, OperationKind::Activate).await
    }

    /// Removes a version that is neither active nor served.
    #[boxed]
    pub async fn delete_version(&self, actor: &Actor, service: ServiceId, version: CodeVersionId) -> Outcome<()> {
        actor.may_write()?;
        self.version(actor, service, version).await?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, service).await?;
        if row.service.active_version_id == Some(version) || row.service.serving_version_id == Some(version) {
            let detail = "This version is in use. Activate another one first, then delete it.";
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        txn.version_delete(service, version).await?;
        self.record(&mut txn, actor, "version.delete", &row, EventKind::Service).await?;
        Ok(txn.commit().await?)
    }

    /// The uploaded file of a version and the name to save it under.
    #[boxed]
    pub async fn version_file(
        &self,
        actor: &Actor,
        service: ServiceId,
        version: CodeVersionId,
    ) -> Outcome<(PathBuf, String)> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let row = self.version_row(service.id, version).await?;
        let name = if row.number == 0 { format!("{}.tar.zst", row.name) } else { row.name.clone() };
        Ok((self.blob_path(&row.digest), name))
    }

    /// The normalised archive that an instance may fetch: one of its own service's, or nothing.
    #[boxed]
    pub async fn code_for_instance(&self, instance: InstanceId, digest: &str) -> Outcome<Option<PathBuf>> {
        let allowed = self.store().version_for_instance(instance, digest).await?;
        Ok(allowed.then(|| self.blob_path(digest)))
    }

    /// Packs the folder that a kind serves as version 0 and keeps it.
    pub(crate) async fn default_version(&self, service: ServiceId, folder: PathBuf, name: &str) -> Outcome<NewVersion> {
        let packed = self.incoming_path().await?;
        let output = packed.0.clone();
        let summary = spawn_blocking(move || aerie_archive::pack_folder(&folder, &output))
            .await
            .map_err(|error| Failure::Bug(format!("packing ended early: {error}")))?
            .map_err(archive_failure)?;
        self.keep_blob(&packed.0, &summary.normalised_digest).await?;
        let bytes = i64::try_from(summary.normalised_bytes).unwrap_or(i64::MAX);
        Ok(NewVersion {
            id: CodeVersionId::generate(),
            service_id: service,
            name: name.to_owned(),
            digest: summary.normalised_digest.clone(),
            size_bytes: bytes,
            files: i64::try_from(summary.files).unwrap_or(i64::MAX),
            normalised_digest: summary.normalised_digest,
            normalised_bytes: bytes,
            note: String::new(),
            uploaded_by: None,
        })
    }
}

/// What is wrong with an archive is the person's problem; what is wrong with the disk is ours.
fn archive_failure(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Io(error) => Failure::Files(error),
        other => Problem::new(ProblemCode::BadArchive, other.to_string()).into(),
    }
}

/// The last part of a file name, without characters that would confuse a terminal, a header or a page.
pub(crate) fn tidy_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let tidy: String = last
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '+') { c } else { '_' })
        .take(MAX_FILE_NAME)
        .collect();
    if tidy.trim_matches(['.', ' ']).is_empty() { "upload".to_owned() } else { tidy }
}

#[cfg(test)]
mod tests {
    use super::tidy_file_name;

    #[test]
    fn file_names_are_tidied() {
        for (name, tidy) in [
            ("blog.zip", "blog.zip"),
            ("C:\\Users\\ada\\blog v2.tar.gz", "blog v2.tar.gz"),
            ("../../etc/passwd", "passwd"),
            ("a\"b\r\nc.zip", "a_b__c.zip"),
            ("", "upload"),
            ("...", "upload"),
        ] {
            assert_eq!(tidy_file_name(name), tidy);
        }
    }
}
