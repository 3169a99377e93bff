//! Operations: what somebody asked for, and how far it is.

use crate::{OperationId, OperationKind, OperationState, ServiceId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// One request that takes a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationView {
    /// Id.
    pub id: OperationId,
    /// The service it is about.
    pub service_id: ServiceId,
    /// What was asked for.
    pub kind: OperationKind,
    /// How far.
    pub state: OperationState,
    /// What is happening now ("instance 2 of 4 healthy").
    pub progress: String,
    /// Why it failed; empty otherwise.
    pub error: String,
    /// User name of who asked.
    pub requested_by: String,
    /// When asked.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
}

/// Answer (202) to a request about several services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptedAll {
    /// One for each service that is concerned; poll or wait for them at `/api/v1/operations/{id}`.
    pub operations: Vec<OperationView>,
}

/// Answer (202) to a request that takes a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// Poll or wait for it at `/api/v1/operations/{id}`.
    pub operation: OperationView,
}
