//! From a kind's files and a service's state to the configuration of one instance.

use crate::Kind;
use aerie_agent_protocol::{CodeVersionSpec, InstanceConfig};
use aerie_domain::{CodeVersionId, InstanceId, RoleName};
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything a file template can name. Deterministic: equal contexts render to equal configurations.
#[derive(Debug, Clone, Serialize)]
pub struct RenderContext {
    /// Service name.
    pub service: String,
    /// Application name.
    pub application: String,
    /// The instance that is configured.
    pub instance: InstanceId,
    /// Its roles, draining ones included (their processes go on).
    pub roles: Vec<RoleName>,
    /// Per role, the instances that others may use (serving, not draining), in a stable order.
    pub members: BTreeMap<RoleName, Vec<Member>>,
    /// Setting values, complete.
    pub settings: BTreeMap<String, String>,
    /// Environment variables of the user and of bindings.
    pub variables: BTreeMap<String, String>,
    /// The version visitors get; absent for kinds without code.
    pub serving: Option<CodeVersionId>,
    /// Versions to have at hand (serving, wanted, previous); empty on instances that need no code.
    pub versions: Vec<CodeVersionSpec>,
    /// Public routes of the installation, for kinds that receive them.
    pub routes: Vec<Route>,
    /// Installation-wide values (`public_port`, `domain` …), for system kinds.
    pub installation: BTreeMap<String, String>,
}

/// An instance that serves a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Short id: fit for names in configuration files.
    pub name: String,
    /// Address; `127.0.0.1` when it is the configured instance itself.
    pub address: String,
}

/// A public host name and who answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Fit for names in configuration files; stable.
    pub name: String,
    /// Host names, lower case, without port.
    pub hosts: Vec<String>,
    /// Who answers; empty while nothing runs.
    pub members: Vec<Member>,
    /// Port of every member.
    pub port: u16,
    /// "is starting", "is stopped" …: for the plain page while there are no members.
    pub state: String,
}

/// A template that could not be rendered: a mistake in the kind's folder.
#[derive(Debug, thiserror::Error)]
#[error("kind {kind}: {file} cannot be rendered")]
pub struct RenderError {
    /// Kind name.
    pub kind: String,
    /// Which file or field.
    pub file: String,
    /// Why.
    #[source]
    pub source: minijinja::Error,
}

impl Kind {
    /// The configuration of one instance, with generation 0 (the caller numbers it).
    pub fn render(&self, context: &RenderContext) -> Result<InstanceConfig, RenderError> {
        let _ = context;
        unimplemented!()
    }
}
