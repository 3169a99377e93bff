//! Applications.

use super::ServiceSummary;
use crate::{ApplicationId, Credits, ServiceId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Form for a new application.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateApplication {
    /// Unique among the owner's applications; part of its public address.
    pub name: String,
}

/// Form for a new name of an application or service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rename {
    /// The new name.
    pub name: String,
}

/// An application with its services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplicationView {
    /// Id.
    pub id: ApplicationId,
    /// Name.
    pub name: String,
    /// Its owner's user name.
    pub owner: String,
    /// When created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// It is being removed.
    pub deleting: bool,
    /// It is somebody else's: you may look at it as an administrator, not change it.
    #[serde(default)]
    pub read_only: bool,
    /// Its services, oldest first.
    pub services: Vec<ServiceSummary>,
    /// Which of them uses which, oldest first.
    #[serde(default)]
    pub uses: Vec<UseView>,
    /// What its instances cost now.
    pub per_hour: Credits,
}

/// A service that uses another one of its application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UseView {
    /// The one that uses.
    pub service_id: ServiceId,
    /// The one that is used.
    pub uses_id: ServiceId,
    /// Beginning of the names of the variables that the user gets.
    pub prefix: String,
}
