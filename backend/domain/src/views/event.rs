//! What happened, pushed to pages and programs as server-sent events.

use crate::{ApplicationId, ServiceId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What changed; the reader fetches the thing itself again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An application was created, renamed or removed.
    Application,
    /// A service's state, counts, settings or versions.
    Service,
    /// An instance came, went or changed.
    Instance,
    /// An operation's progress.
    Operation,
    /// The person's own account: credit, mostly.
    Account,
    /// The reader was too slow or away too long: fetch everything again.
    Gap,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventView {
    /// Position in the stream; send it back as `Last-Event-ID` to go on from here.
    pub id: String,
    /// What changed.
    pub kind: EventKind,
    /// In which application.
    pub application_id: Option<ApplicationId>,
    /// In which service.
    pub service_id: Option<ServiceId>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}
