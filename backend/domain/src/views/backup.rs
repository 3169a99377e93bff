//! Backups of a service.

use crate::{BackupEvery, BackupId, BackupJobId, BackupJobKind, BackupState, BackupStep, BackupWhy};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What a service kept at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupView {
    /// Id.
    pub id: BackupId,
    /// Name of the file.
    pub name: String,
    /// Why it was made.
    pub why: BackupWhy,
    /// How far it is.
    pub state: BackupState,
    /// Why it failed.
    pub reason: String,
    /// SHA-256 of its contents, hexadecimal; none until they are there.
    pub digest: Option<String>,
    /// Bytes of its contents; none until they are there.
    pub size_bytes: Option<i64>,
    /// Whether it can be put back; none until that was tried.
    pub check: Option<BackupCheckView>,
    /// Who asked; none when that person is gone, or when it was the platform itself.
    pub requested_by: Option<String>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// What a check of a backup came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupCheckView {
    /// It can be put back.
    pub ok: bool,
    /// Why not.
    pub message: String,
    /// When it was tried.
    #[serde(with = "time::serde::rfc3339")]
    pub checked_at: OffsetDateTime,
}

/// A backup, check or restoration that goes on, or the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupJobView {
    /// Id.
    pub id: BackupJobId,
    /// What it is for.
    pub kind: BackupJobKind,
    /// What is being done, or was the last that was done.
    pub step: BackupStep,
    /// The backup that it makes or checks; for a restoration, what the service kept before. None until there is one.
    pub backup: Option<BackupId>,
    /// The backup that is put back.
    pub source: Option<BackupId>,
    /// Name of its file.
    pub source_name: Option<String>,
    /// Why it failed; empty while it goes on and when it went well.
    pub reason: String,
    /// Who asked; none when that person is gone, or when it was the platform itself.
    pub requested_by: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
}

/// When backups are made by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupSchedule {
    /// How often.
    pub every: BackupEvery,
    /// So many of them are kept, from 1 to 30; the oldest go first.
    #[serde(default = "usual_keep")]
    pub keep: u32,
}

const fn usual_keep() -> u32 {
    BackupSchedule::USUAL_KEEP
}

impl Default for BackupSchedule {
    fn default() -> Self {
        Self { every: BackupEvery::Never, keep: Self::USUAL_KEEP }
    }
}

impl BackupSchedule {
    /// How many are kept unless somebody says otherwise: a week of daily ones.
    pub const USUAL_KEEP: u32 = 7;
    /// Most that can be kept.
    pub const MOST_KEPT: u32 = 30;
}

/// Everything about the backups of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupsView {
    /// Services of this kind have backups.
    pub possible: bool,
    /// All of them, newest first.
    pub items: Vec<BackupView>,
    /// When they are made by themselves.
    pub schedule: BackupSchedule,
    /// When the next one is due; none while the schedule says never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub next_at: Option<OffsetDateTime>,
    /// What goes on now.
    pub job: Option<BackupJobView>,
    /// The restoration that ended last.
    pub last_restore: Option<BackupJobView>,
    /// Why none can be made, uploaded or put back now; empty when they can.
    pub obstacle: String,
    /// What has to be typed to put one back.
    pub confirm: String,
    /// What can be uploaded: "a dump of mysqldump".
    pub takes: String,
}

/// What is sent to put a backup back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreBackup {
    /// The name of the service: so that nobody overwrites the data of another one by mistake.
    #[serde(default)]
    pub confirm: String,
}
