//! Service kinds, as the create page and the CLI see them.

use super::ActionView;
use crate::SettingSpec;
use serde::{Deserialize, Serialize};

/// How the create page groups kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KindCategory {
    /// Serves pages.
    Web,
    /// Keeps data.
    Data,
    /// Computes.
    Compute,
    /// Everything else.
    Other,
    /// Part of the platform; not offered to users.
    System,
}

/// One role of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleSpecView {
    /// Name.
    pub name: String,
    /// Label.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Smallest count.
    pub min: u32,
    /// Largest count.
    pub max: u32,
    /// A helper that users do not scale.
    pub auxiliary: bool,
}

/// A service kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KindView {
    /// Name: the folder in `service-templates/`.
    pub name: String,
    /// "PHP".
    pub title: String,
    /// One or two sentences for the create page.
    pub summary: String,
    /// Group on the create page.
    pub category: KindCategory,
    /// SVG markup of the icon.
    pub icon: String,
    /// Roles, in the order pages show them.
    pub roles: Vec<RoleSpecView>,
    /// Settings, in the order pages show them.
    pub settings: Vec<SettingSpec>,
    /// Buttons that run something on its instances, in the order pages show them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionView>,
    /// It takes code uploads.
    pub code: bool,
    /// What it keeps can be taken out and put back.
    pub backup: bool,
    /// It can have a public address.
    pub public: bool,
    /// Why this installation cannot run services of it; empty when it can.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub obstacle: String,
}
