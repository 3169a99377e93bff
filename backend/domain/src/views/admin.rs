//! What administrators see: people, health, the audit log, announcements.

use super::{CreditView, UserView};
use crate::{AnnouncementId, DirectorId, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A person as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminUserView {
    /// The person.
    pub user: UserView,
    /// What they have and spend.
    pub credit: CreditView,
    /// Since when the account is locked; absent when it is not.
    #[serde(with = "time::serde::rfc3339::option")]
    pub disabled_at: Option<OffsetDateTime>,
    /// How many applications they have.
    pub applications: u32,
    /// How many of their services shall run.
    pub running: u32,
}

/// A search in a long list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
pub struct SearchQuery {
    /// A part of a name.
    #[serde(default)]
    pub text: String,
    /// Where the last page ended (`next` of its answer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many: 1 to 100, 50 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How the installation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthView {
    /// The director processes, newest first.
    pub directors: Vec<DirectorView>,
    /// What managers have to do.
    pub work: WorkView,
    /// The services in ERROR, longest first, at most 50.
    pub failing: Vec<FailingServiceView>,
}

/// A director process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectorView {
    /// Id.
    pub id: DirectorId,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// Its last heartbeat; one every 10 seconds.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen_at: OffsetDateTime,
    /// Services that it manages.
    pub leases: u32,
    /// Agents that are connected to it.
    pub agents: u32,
    /// What it last told of itself; absent in its first moments.
    pub report: Option<DirectorReport>,
}

/// What a director tells of itself, its cloud and its disk, every 15 seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectorReport {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Services that wait for a manager's pass.
    pub queue_waiting: u32,
    /// Services that are in one.
    pub queue_running: u32,
    /// Where containers run: `docker`, `simulated`.
    pub cloud: String,
    /// What is wrong with it; empty when it answers.
    pub cloud_problem: String,
    /// How long its answer took, milliseconds.
    pub cloud_ping_ms: u32,
    /// Containers of this installation, running or not.
    pub containers: u32,
    /// Free on the disk of the data directory.
    pub disk_free_bytes: u64,
    /// Size of that disk.
    pub disk_total_bytes: u64,
}

/// What managers have to do, over all directors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkView {
    /// Services in all, system services too.
    pub services: u32,
    /// Services that shall run.
    pub wanted: u32,
    /// Services that are not yet what their owners want.
    pub unsettled: u32,
    /// Services that need a manager and have none now.
    pub unmanaged: u32,
    /// Operations that have not ended.
    pub operations: u32,
    /// Since when the oldest of them waits.
    #[serde(with = "time::serde::rfc3339::option")]
    pub oldest_operation: Option<OffsetDateTime>,
}

/// A service in ERROR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailingServiceView {
    /// Id.
    pub id: ServiceId,
    /// Name, with its application's: `blog/php`.
    pub name: String,
    /// User name of its owner.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Failed attempts in a row.
    pub failures: u32,
}

/// One change that somebody made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditView {
    /// Number; later ones are higher.
    pub id: i64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// User name of who did it; absent for logins with an unknown name.
    pub actor: Option<String>,
    /// How they proved it: `session`, `token <name>`, `system`.
    pub via: String,
    /// Network address that it came from.
    pub address: String,
    /// What was done: `service.scale`.
    pub action: String,
    /// What it was done to: `service blog/php`.
    pub target: String,
    /// Anything else that matters.
    pub detail: BTreeMap<String, String>,
}

/// Which changes to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
pub struct AuditQuery {
    /// User name of who did it.
    #[serde(default)]
    pub actor: String,
    /// What was done, or its beginning: `service.`.
    #[serde(default)]
    pub action: String,
    /// A part of the target, the address or the details.
    #[serde(default)]
    pub text: String,
    /// Where the last page ended (`next` of its answer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many: 1 to 100, 50 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A banner on every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnouncementView {
    /// Id.
    pub id: AnnouncementId,
    /// What it says.
    pub text: String,
    /// Shown from then on …
    #[serde(with = "time::serde::rfc3339")]
    pub from_at: OffsetDateTime,
    /// … until then.
    #[serde(with = "time::serde::rfc3339")]
    pub until_at: OffsetDateTime,
}

/// Form for a banner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateAnnouncement {
    /// What it shall say: at most 500 characters.
    pub text: String,
    /// Shown from then on; from now on when absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub from_at: Option<OffsetDateTime>,
    /// Shown until then.
    #[serde(with = "time::serde::rfc3339")]
    pub until_at: OffsetDateTime,
}
