//! Services.

use super::{CodeVersionView, ConnectionsView, InstanceView, OperationView, ServiceVolumesView};
use crate::{ApplicationId, CodeVersionId, Credits, FigureSpec, ServiceId, ServiceState, SettingSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Form for a new service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateService {
    /// Kind: a name from `/api/v1/kinds`.
    pub kind: String,
    /// Unique in the application; left out, the kind's name is used, with a number if taken.
    #[serde(default)]
    pub name: Option<String>,
}

/// New counts for some roles.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scale {
    /// Role → how many. Roles that are not named keep their count.
    pub roles: BTreeMap<String, i64>,
    /// Refuse with `changed_meanwhile` unless the service is still at this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_generation: Option<i64>,
}

/// Which version to serve.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivateVersion {
    /// The version.
    pub version_id: CodeVersionId,
}

/// New values for some settings and variables.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeSettings {
    /// Setting → value. Settings that are not named keep their value.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Variables to set or (value absent) remove.
    #[serde(default)]
    pub variables: Vec<VariableChange>,
}

/// Set or remove one environment variable.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VariableChange {
    /// Name.
    pub name: String,
    /// New value; absent removes the variable.
    pub value: Option<String>,
    /// Never shown again.
    #[serde(default)]
    pub secret: bool,
}

/// A service in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceSummary {
    /// Id.
    pub id: ServiceId,
    /// The application it belongs to.
    pub application_id: ApplicationId,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: String,
    /// The kind's title.
    pub kind_title: String,
    /// State.
    pub state: ServiceState,
    /// Why, in words for a student; empty when there is nothing to say.
    pub reason: String,
    /// How many instances it has (auxiliary ones not counted). Not `instances` in JSON: [`ServiceView`] lists them there.
    #[serde(rename = "instance_count")]
    pub instances: u32,
    /// Public address, if the kind has one.
    pub address: Option<String>,
    /// What its instances cost now.
    pub per_hour: Credits,
    /// Its roles and how many of each are wanted, helpers not among them.
    #[serde(default)]
    pub role_counts: Vec<RoleCount>,
    /// What it does now, as its kind shows it.
    #[serde(default)]
    pub figures: Vec<FigureView>,
    /// It can keep the content of volumes for the services of its application.
    #[serde(default)]
    pub keeps_volumes: bool,
}

/// How many of a role are wanted, and how many serve now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleCount {
    /// The role's label.
    pub title: String,
    /// Wanted.
    pub count: u32,
    /// Serving now.
    pub serving: u32,
}

/// What a service does now: all its instances together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FigureView {
    /// The role that it is about.
    pub role: String,
    /// What it is; `requests` are those of visitors.
    #[serde(flatten)]
    pub spec: FigureSpec,
    /// The number; absent while nothing is told.
    pub value: Option<f64>,
}

/// One role of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleView {
    /// Name.
    pub name: String,
    /// Label.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// How many are wanted.
    pub count: u32,
    /// How many serve now.
    pub serving: u32,
    /// Smallest count.
    pub min: u32,
    /// Largest count.
    pub max: u32,
    /// A helper that users do not scale.
    pub auxiliary: bool,
    /// Its requests are counted.
    #[serde(default)]
    pub counts_requests: bool,
    /// Figures that are told of it.
    #[serde(default)]
    pub figures: Vec<FigureSpec>,
}

/// A setting with its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingView {
    /// What it is.
    pub spec: SettingSpec,
    /// Its value.
    pub value: String,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VariableView {
    /// Name.
    pub name: String,
    /// Its value; absent when secret.
    pub value: Option<String>,
    /// Never shown.
    pub secret: bool,
}

/// A service with everything its page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceView {
    /// What lists show.
    #[serde(flatten)]
    pub summary: ServiceSummary,
    /// The application's name.
    pub application: String,
    /// User name of its owner.
    #[serde(default)]
    pub owner: String,
    /// It is somebody else's: you may look at it as an administrator, not change it.
    #[serde(default)]
    pub read_only: bool,
    /// Since when in this state.
    #[serde(with = "time::serde::rfc3339")]
    pub state_since: OffsetDateTime,
    /// Counts changes of intent.
    pub generation: i64,
    /// The generation that the world agrees with.
    pub observed_generation: i64,
    /// When created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Roles, in the kind's order.
    pub roles: Vec<RoleView>,
    /// Instances, oldest first.
    pub instances: Vec<InstanceView>,
    /// Code versions, newest first; empty when the kind takes no code.
    pub versions: Vec<CodeVersionView>,
    /// Settings, in the kind's order.
    pub settings: Vec<SettingView>,
    /// Environment variables, by name.
    pub variables: Vec<VariableView>,
    /// How it is connected with other services of its application.
    #[serde(default)]
    pub connections: ConnectionsView,
    /// The volumes of its application.
    #[serde(default)]
    pub volumes: ServiceVolumesView,
    /// The newest operation, if it has not ended or ended badly.
    pub operation: Option<OperationView>,
    /// The kind takes code uploads.
    pub takes_code: bool,
    /// Price of one more instance per hour.
    pub instance_price: Credits,
}
