//! From a kind's files and a service's state to the configuration of one instance: pure and deterministic.
//!
//! `engine` has what templates can name and call, `quote` the filters that keep hostile values inside their quotes,
//! `order` the order in which processes start. To extend: a field in [`RenderContext`], or a filter in `quote`.

mod actions;
mod backup;
mod engine;
mod offers;
mod order;
mod quote;
mod rehearsal;
mod starts;

pub use actions::ActionCall;
pub(crate) use engine::check;
pub use offers::{Offer, OfferContext};
pub(crate) use order::start_order;
pub(crate) use rehearsal::rehearse;
pub use starts::Starts;

use crate::{FileTemplate, Kind, ProcessTemplate, RoleSpec};
use aerie_agent_protocol::{
    CodePlan, CodeVersionSpec, FileSpec, HealthProbe, HookSpec, InstanceConfig, ProbeKind, ProcessSpec, ReloadMethod,
};
use aerie_domain::{CodeVersionId, InstanceId, RoleName};
use engine::Engine;
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
    /// Per role, how many instances there shall be, complete.
    pub counts: BTreeMap<RoleName, u32>,
    /// Setting values, complete.
    pub settings: BTreeMap<String, String>,
    /// Passwords that the platform made for the service, complete.
    pub secrets: BTreeMap<String, String>,
    /// Environment variables of the user and of bindings.
    pub variables: BTreeMap<String, String>,
    /// Services that it uses, by the prefix of their variables.
    pub bindings: BTreeMap<String, Bound>,
    /// The version visitors get; absent for kinds without code.
    pub serving: Option<CodeVersionId>,
    /// Versions to have at hand (serving, wanted, previous); empty on instances that need no code.
    pub versions: Vec<CodeVersionSpec>,
    /// Public routes of the installation, for kinds that receive them.
    pub routes: Vec<Route>,
    /// Installation-wide values (`public_port`, `domain` …), for system kinds.
    pub installation: BTreeMap<String, String>,
    /// The instance's slot, for the role that has them; otherwise 0.
    pub slot: u32,
    /// Roles of the instance that hand over what they have, since their slot is given up.
    pub draining: Vec<RoleName>,
    /// How many slots there are, from 0: as many as are wanted, or more while higher ones are still held.
    pub slots: u32,
    /// How many of them shall remain.
    pub slots_wanted: u32,
    /// Volumes that the service carries, for the role that mounts them.
    pub carried: Vec<Carried>,
}

/// A volume of the application that lies with the configured service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Id without hyphens: the name of its folder.
    pub folder: String,
    /// How much may be on it, MiB; no limit when absent.
    pub quota_mib: Option<u32>,
}

/// A service that is used by the configured one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// Its name.
    pub service: String,
    /// Its kind.
    pub kind: String,
    /// What it offers, names without prefix.
    pub variables: BTreeMap<String, String>,
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
    ///
    /// Guarantees: equal contexts give equal configurations; files and processes are those of `context.roles`, used
    /// roles before the roles that use them. Errors: only for mistakes in the kind's folder that loading cannot see.
    pub fn render(&self, context: &RenderContext) -> Result<InstanceConfig, RenderError> {
        let mut engine = Engine::new(self, context);
        // A circle of `uses` does not get past loading.
        let order = start_order(&self.spec).unwrap_or_default();
        let roles: Vec<&RoleSpec> = order.into_iter().filter(|role| context.roles.contains(&role.name)).collect();

        let mut files = Vec::new();
        for template in roles.iter().flat_map(|role| &role.files) {
            files.push(FileSpec {
                path: template.path.clone(),
                content: engine.file(template)?,
                mode: template.mode_bits().unwrap_or(0o640),
            });
        }
        files.extend(offers::bindings_file(context));
        let processes = roles.iter().map(|role| process(&engine, role)).collect::<Result<_, _>>()?;
        let init = roles
            .iter()
            .flat_map(|role| &role.init)
            .map(|hook| script(&engine, "init", hook))
            .collect::<Result<_, _>>()?;
        let drain = roles.iter().filter(|role| context.draining.contains(&role.name)).flat_map(|role| &role.drain);
        let drain = drain.map(|hook| script(&engine, "drain", hook)).collect::<Result<_, _>>()?;
        Ok(InstanceConfig {
            generation: 0,
            instance: context.instance,
            files,
            code: self.code_plan(context),
            processes,
            init,
            environment: self.environment(context),
            tasks: Vec::new(),
            drain,
        })
    }

    fn code_plan(&self, context: &RenderContext) -> CodePlan {
        let Some(code) = &self.spec.code else { return CodePlan::default() };
        let Some(role) = code.roles.iter().find(|role| context.roles.contains(role)) else {
            return CodePlan::default();
        };
        let prepare = code.prepare.as_ref().map(|script| HookSpec {
            name: script.name.to_string(),
            role: role.clone(),
            command: script.command.clone(),
            timeout_s: script.timeout_s,
        });
        CodePlan { versions: context.versions.clone(), check: code.check.clone(), prepare }
    }
}

fn process(engine: &Engine, role: &RoleSpec) -> Result<ProcessSpec, RenderError> {
    let ProcessTemplate {
        command: _,
        environment: _,
        check,
        reload,
        renewal: _,
        stop_signal,
        stop_timeout_s,
        health,
        streams,
        metrics,
    } = &role.process;
    let at = |key: &str| format!("roles.{}.process.{key}", role.name);
    let (command, environment) = starts::program(|| engine, role)?;
    Ok(ProcessSpec {
        role: role.name.clone(),
        name: role.name.to_string(),
        command,
        environment,
        files: role.files.iter().map(|FileTemplate { path, .. }| path.clone()).collect(),
        check: engine.texts(&at("check"), check)?,
        reload: match reload {
            ReloadMethod::Exec { command, signal } => {
                ReloadMethod::Exec { command: engine.texts(&at("reload"), command)?, signal: signal.clone() }
            }
            other => other.clone(),
        },
        stop_signal: stop_signal.clone(),
        stop_timeout_s: *stop_timeout_s,
        health: HealthProbe { kind: probe(engine, &at("health"), &health.kind)?, ..health.clone() },
        streams: streams.clone(),
        metrics: metrics.clone(),
    })
}

fn probe(engine: &Engine, at: &str, kind: &ProbeKind) -> Result<ProbeKind, RenderError> {
    Ok(match kind {
        ProbeKind::Alive => ProbeKind::Alive,
        ProbeKind::Tcp { port } => ProbeKind::Tcp { port: *port },
        ProbeKind::Http { port, path, expect } => {
            ProbeKind::Http { port: *port, path: engine.text(at, path)?, expect: engine.text(at, expect)? }
        }
        ProbeKind::Exec { command } => ProbeKind::Exec { command: engine.texts(at, command)? },
    })
}

fn script(engine: &Engine, key: &str, hook: &HookSpec) -> Result<HookSpec, RenderError> {
    let command = engine.texts(&format!("roles.{}.{key}.command", hook.role), &hook.command)?;
    Ok(HookSpec { command, ..hook.clone() })
}

#[cfg(test)]
#[path = "render/tests.rs"]
mod tests;
