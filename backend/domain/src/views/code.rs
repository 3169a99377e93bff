//! Code versions.

use crate::CodeVersionId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// An immutable upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeVersionView {
    /// Id.
    pub id: CodeVersionId,
    /// 0 is `code-default`; uploads count from 1 per service.
    pub number: i32,
    /// `code-default` or the uploaded file's name.
    pub name: String,
    /// SHA-256 of the uploaded file, hexadecimal.
    pub digest: String,
    /// Bytes of the uploaded file.
    pub size_bytes: i64,
    /// Files in it.
    pub files: i64,
    /// What the uploader wrote about it.
    pub note: String,
    /// User name of the uploader; empty for `code-default`.
    pub uploaded_by: String,
    /// When uploaded.
    #[serde(with = "time::serde::rfc3339")]
    pub uploaded_at: OffsetDateTime,
    /// It is the version the owner wants served.
    pub active: bool,
    /// It is the version that visitors get now.
    pub serving: bool,
    /// What the kind's check said, once the version was staged somewhere.
    pub check: Option<CodeCheck>,
}

/// What a kind's check of staged code said (for PHP: `php -l`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeCheck {
    /// Nothing wrong was found.
    pub ok: bool,
    /// The last lines that the check printed.
    pub output: String,
}
