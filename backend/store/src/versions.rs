//! Table `code_versions`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, typed},
};
use aerie_domain::{CodeVersionId, InstanceId, ServiceId, UserId};
use sqlx::types::Uuid;
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// A code version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Id.
    pub id: CodeVersionId,
    /// Whose code it is.
    pub service_id: ServiceId,
    /// 0 is `code-default`; uploads count from 1.
    pub number: i32,
    /// `code-default` or the uploaded file's name.
    pub name: String,
    /// SHA-256 of the uploaded file, hexadecimal.
    pub digest: String,
    /// Bytes of the uploaded file.
    pub size_bytes: i64,
    /// Files in it.
    pub files: i64,
    /// SHA-256 of the normalised archive, hexadecimal.
    pub normalised_digest: String,
    /// Bytes of the normalised archive.
    pub normalised_bytes: i64,
    /// What the uploader wrote about it.
    pub note: String,
    /// The uploader.
    pub uploaded_by: Option<UserId>,
    /// The uploader's user name; empty for `code-default` and for users who are gone.
    pub uploader: String,
    /// When uploaded.
    pub uploaded_at: OffsetDateTime,
    /// What the kind's check said; none until staged somewhere.
    pub check_ok: Option<bool>,
    /// What the check printed.
    pub check_output: String,
}

/// A code version to be. Its number is one more than the highest so far, 0 for the first.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// Id.
    pub id: CodeVersionId,
    /// Whose code it is.
    pub service_id: ServiceId,
    /// `code-default` or the uploaded file's name.
    pub name: String,
    /// SHA-256 of the uploaded file, hexadecimal.
    pub digest: String,
    /// Bytes of the uploaded file.
    pub size_bytes: i64,
    /// Files in it.
    pub files: i64,
    /// SHA-256 of the normalised archive, hexadecimal.
    pub normalised_digest: String,
    /// Bytes of the normalised archive.
    pub normalised_bytes: i64,
    /// What the uploader wrote about it.
    pub note: String,
    /// The uploader; none for `code-default`.
    pub uploaded_by: Option<UserId>,
}

struct VersionRaw {
    id: Uuid,
    service_id: Uuid,
    number: i32,
    name: String,
    digest: String,
    size_bytes: i64,
    files: i64,
    normalised_digest: String,
    normalised_bytes: i64,
    note: String,
    uploaded_by: Option<Uuid>,
    uploader: String,
    uploaded_at: OffsetDateTime,
    check_ok: Option<bool>,
    check_output: String,
}

impl TryFrom<VersionRaw> for VersionRow {
    type Error = StoreError;

    fn try_from(raw: VersionRaw) -> Result<Self, StoreError> {
        Ok(Self {
            id: CodeVersionId(raw.id),
            service_id: ServiceId(raw.service_id),
            number: raw.number,
            name: raw.name,
            digest: raw.digest,
            size_bytes: raw.size_bytes,
            files: raw.files,
            normalised_digest: raw.normalised_digest,
            normalised_bytes: raw.normalised_bytes,
            note: raw.note,
            uploaded_by: raw.uploaded_by.map(UserId),
            uploader: raw.uploader,
            uploaded_at: raw.uploaded_at,
            check_ok: raw.check_ok,
            check_output: raw.check_output,
        })
    }
}

macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            VersionRaw,
            r#"
               select v.id,
                      v.service_id,
                      v.number,
                      v.name,
                      v.digest,
                      v.size_bytes,
                      v.files,
                      v.normalised_digest,
                      v.normalised_bytes,
                      v.note,
                      v.uploaded_by,
                      coalesce(u.name, '') as "uploader!",
                      v.uploaded_at,
                      v.check_ok,
                      v.check_output
                 from code_versions v
            left join users u on u.id = v.uploaded_by
            "# + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// The versions of a service with a lower number than `after`, newest first.
    pub async fn version_list(
        &self,
        service: ServiceId,
        after: Option<i32>,
        limit: i64,
    ) -> Result<Vec<VersionRow>, StoreError> {
        let raw = select_versions!(
            "where v.service_id = $1 and ($2::integer is null or v.number < $2) order by v.number desc limit $3",
            service.0,
            after,
            limit
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// One version of a service.
    pub async fn version_fetch(
        &self,
        service: ServiceId,
        version: CodeVersionId,
    ) -> Result<Option<VersionRow>, StoreError> {
        let raw = select_versions!("where v.service_id = $1 and v.id = $2", service.0, version.0)
            .fetch_optional(self.pool())
            .await?;
        raw.map(VersionRow::try_from).transpose()
    }

    /// Several versions of a service, by number.
    pub async fn versions_fetch(
        &self,
        service: ServiceId,
        versions: &[CodeVersionId],
    ) -> Result<Vec<VersionRow>, StoreError> {
        let versions: Vec<Uuid> = versions.iter().map(|version| version.0).collect();
        let raw =
            select_versions!("where v.service_id = $1 and v.id = any($2) order by v.number", service.0, &versions[..])
                .fetch_all(self.pool())
                .await?;
        typed(raw)
    }

    /// The digests of all blobs that some version or backup still needs.
    pub async fn blob_digests_in_use(&self) -> Result<BTreeSet<String>, StoreError> {
        let digests = sqlx::query_scalar!(
            r#"
            select digest as "digest!" from code_versions
             union
            select normalised_digest from code_versions
             union
            select digest from backups where digest is not null
            "#,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(digests.into_iter().collect())
    }

    /// Whether an instance may fetch this normalised archive: its own service has a version with it.
    pub async fn version_for_instance(
        &self,
        instance: InstanceId,
        normalised_digest: &str,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            r#"
            select exists (
                       select from instances i
                              join code_versions v on v.service_id = i.service_id
                        where i.id = $1
                          and v.normalised_digest = $2
                   ) as "found!"
            "#,
            instance.0,
            normalised_digest,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(found)
    }
}

impl Txn<'_> {
    /// Adds a version and answers with its number. Callers lock the service first; two that do not may meet
    /// `code_versions_number_key`.
    pub async fn version_insert(&mut self, version: &NewVersion) -> Result<i32, StoreError> {
        let number = sqlx::query_scalar!(
            "
            insert into code_versions (id, service_id, number, name, digest, size_bytes, files, normalised_digest,
                                       normalised_bytes, note, uploaded_by)
            select $1::uuid, $2::uuid, coalesce(max(number) + 1, 0), $3::text, $4::text, $5::bigint, $6::bigint,
                   $7::text, $8::bigint, $9::text, $10::uuid
              from code_versions
             where service_id = $2
            returning number
            ",
            version.id.0,
            version.service_id.0,
            version.name,
            version.digest,
            version.size_bytes,
            version.files,
            version.normalised_digest,
            version.normalised_bytes,
            version.note,
            version.uploaded_by.map(|user| user.0),
        )
        .fetch_one(self.connection())
        .await?;
        Ok(number)
    }

    /// Removes a version that is not the active one (else `services_active_version_fkey`).
    pub async fn version_delete(&mut self, service: ServiceId, version: CodeVersionId) -> Result<(), StoreError> {
        let result = sqlx::query!("delete from code_versions where service_id = $1 and id = $2", service.0, version.0)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Notes what the kind's check said of a version. False when it was known or the version is gone.
    pub async fn version_set_check(
        &mut self,
        version: CodeVersionId,
        ok: bool,
        output: &str,
    ) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update code_versions
               set check_ok     = $2,
                   check_output = $3
             where id = $1
               and (check_ok, check_output) is distinct from ($2::boolean, $3)
            ",
            version.0,
            ok,
            output,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }
}
