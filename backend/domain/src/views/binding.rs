//! Services that use one another, and what it takes to use one.

use crate::{ServiceId, ServiceState};
use serde::{Deserialize, Serialize};

/// Form that lets a service use another one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindService {
    /// Beginning of the variables' names: `DB` gives `DB_HOST` and so on. Left out, the kind's usual one is taken.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// A service of the same application, as a link shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceLink {
    /// Id.
    pub id: ServiceId,
    /// Name.
    pub name: String,
    /// The kind's title.
    pub kind_title: String,
    /// State.
    pub state: ServiceState,
}

/// A service that another one uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindingView {
    /// The service that is used.
    pub service: ServiceLink,
    /// Beginning of the variables' names.
    pub prefix: String,
    /// Names of the variables that it gives.
    pub variables: Vec<String>,
}

/// How a service is connected with others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionsView {
    /// What it uses, oldest binding first.
    pub uses: Vec<BindingView>,
    /// Who uses it.
    pub used_by: Vec<ServiceLink>,
    /// Other services that it could use.
    pub usable: Vec<ServiceLink>,
    /// It can be used by others; what that takes is at `/api/v1/services/{id}/access`.
    pub offers: bool,
    /// Its programs hear of services that it uses.
    pub uses_others: bool,
    /// Its programs see environment variables.
    pub takes_variables: bool,
}

/// What it takes to use a service: addresses, names and passwords.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessView {
    /// The service.
    pub service: ServiceLink,
    /// What bound services get, by name (without prefix).
    pub offers: Vec<OfferView>,
    /// Passwords that the platform made for it.
    pub secrets: Vec<SecretView>,
}

/// One thing that a bound service gets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferView {
    /// Name without prefix.
    pub name: String,
    /// Value.
    pub value: String,
    /// There is a password in it.
    pub secret: bool,
}

/// A password that the platform made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretView {
    /// Name.
    pub name: String,
    /// Label.
    pub title: String,
    /// What it is for.
    pub help: String,
    /// The password.
    pub value: String,
}

macro_rules! without_values {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            /// Passwords must not end in logs.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}

without_values!(AccessView, OfferView, SecretView);
