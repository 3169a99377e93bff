//! What processes read when they start and never again: for the question whether one that runs has to be started anew.

use super::{RenderContext, RenderError, engine::Engine, order::start_order};
use crate::{Kind, RoleSpec};
use aerie_agent_protocol::{InstanceConfig, ProcessSpec, StreamNames};
use aerie_domain::RoleName;
use std::{cell::LazyCell, collections::BTreeMap};

/// The part of an instance's configuration that its processes are started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starts {
    environment: BTreeMap<String, String>,
    /// By the processes' names.
    processes: BTreeMap<String, Start>,
}

/// The same of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Start {
    role: RoleName,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    streams: StreamNames,
}

impl Starts {
    /// Whether processes that run with this run as `wanted` would have them. Those that only one of the two has come or go in
    /// any case.
    pub fn are_like(&self, wanted: &Self) -> bool {
        let same = |(name, start)| self.processes.get(name).is_none_or(|running| running == start);
        self.environment == wanted.environment && wanted.processes.iter().all(same)
    }
}

impl From<&InstanceConfig> for Starts {
    fn from(config: &InstanceConfig) -> Self {
        let start = |process: &ProcessSpec| {
            let ProcessSpec { role, command, environment, streams, .. } = process.clone();
            Start { role, command, environment, streams }
        };
        let processes = config.processes.iter().map(|process| (process.name.clone(), start(process))).collect();
        Self { environment: config.environment.clone(), processes }
    }
}

impl Kind {
    /// The starts of what [`Kind::render`] gives, without its files: far cheaper, and asked on every pass of a manager.
    /// Errors: those of commands and environments; they cannot name digests of files.
    pub fn starts(&self, context: &RenderContext) -> Result<Starts, RenderError> {
        let engine = LazyCell::new(|| Engine::new(self, context));
        let order = start_order(&self.spec).unwrap_or_default();
        let roles = order.into_iter().filter(|role| context.roles.contains(&role.name));
        let start = |role: &RoleSpec| {
            let (command, environment) = program(|| &engine, role)?;
            let start = Start { role: role.name.clone(), command, environment, streams: role.process.streams.clone() };
            Ok((role.name.to_string(), start))
        };
        Ok(Starts { environment: self.environment(context), processes: roles.map(start).collect::<Result<_, _>>()? })
    }

    /// Variables that every process of an instance gets.
    pub(super) fn environment(&self, context: &RenderContext) -> BTreeMap<String, String> {
        if self.spec.variables_in_files { BTreeMap::new() } else { context.variables.clone() }
    }
}

/// The command and the environment of a role's process. The engine is needed only where they have something to fill in.
pub(super) fn program<'e, 'k: 'e>(
    engine: impl Fn() -> &'e Engine<'k>,
    role: &RoleSpec,
) -> Result<(Vec<String>, BTreeMap<String, String>), RenderError> {
    let text = |key: &str, source: &String| {
        if !source.contains('{') {
            return Ok(source.clone());
        }
        engine().text(&format!("roles.{}.process.{key}", role.name), source)
    };
    let command = role.process.command.iter().map(|word| text("command", word)).collect::<Result<_, _>>()?;
    let environment = role.process.environment.iter();
    let environment = environment.map(|(name, value)| Ok((name.clone(), text("environment", value)?)));
    Ok((command, environment.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]

    use super::{RenderContext, Starts};
    use crate::render::{
        Member,
        tests::{context, kind},
    };

    fn with_all_roles(name: &str) -> RenderContext {
        let roles: Vec<String> = kind(name).spec.roles.iter().map(|role| role.name.to_string()).collect();
        context(&roles.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn they_are_what_the_whole_configuration_says() {
        for name in ["php", "java", "mysql", "keyvalue", "generic", "adminer", "helloworld", "entry"] {
            let mut context = with_all_roles(name);
            let kind = kind(name);
            context.secrets.extend(kind.spec.secrets.iter().map(|secret| (secret.name.clone(), "s".to_owned())));
            let rendered = kind.render(&context).unwrap();
            assert_eq!(kind.starts(&context).unwrap(), Starts::from(&rendered), "{name}");
        }
    }

    #[test]
    fn a_heap_takes_a_new_process_and_a_member_does_not() {
        let java = kind("java");
        let before = java.starts(&with_all_roles("java")).unwrap();
        let mut more = with_all_roles("java");
        let member = Member { name: "x2".to_owned(), address: "10.0.0.2".to_owned() };
        more.members.insert("java".parse().unwrap(), vec![member]);
        assert!(before.are_like(&java.starts(&more).unwrap()));
        let mut larger = with_all_roles("java");
        larger.settings.insert("heap".to_owned(), "77m".to_owned());
        assert!(!before.are_like(&java.starts(&larger).unwrap()));
        larger.roles.retain(|role| role.as_str() != "java");
        assert!(before.are_like(&java.starts(&larger).unwrap()), "what leaves is no reason to start others anew");
    }
}
