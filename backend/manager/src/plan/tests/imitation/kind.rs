//! A kind for stories, and files that say plainly what they were made from.

use crate::plan::Render;
use aerie_agent_protocol::{
    CodePlan, FileSpec, HealthProbe, InstanceConfig, MetricsSpec, ProbeKind, ProcessSpec, ReloadMethod, StreamNames,
};
use aerie_domain::RoleName;
use aerie_kinds::{Kind, RenderContext};
use std::{collections::BTreeMap, fmt::Write};

/// A kind with everything that the rules speak of, but slots.
pub fn php_kind() -> Kind {
    kind("php", include_str!("php.toml"))
}

/// A kind with slots.
pub(super) fn database_kind() -> Kind {
    kind("database", include_str!("database.toml"))
}

fn kind(folder: &str, spec: &str) -> Kind {
    Kind {
        spec: toml::from_str(spec).unwrap(),
        folder: folder.into(),
        image_digest: "0123456789abcdef".into(),
        icon: String::new(),
        files: BTreeMap::new(),
    }
}

pub(crate) fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

/// One file per role that names the members it uses and the version it serves.
pub(crate) struct Plain;

impl Render for Plain {
    fn render(&self, kind: &Kind, context: &RenderContext) -> Result<InstanceConfig, String> {
        let mut files = Vec::new();
        let mut processes = Vec::new();
        for spec in kind.spec.roles.iter().filter(|spec| context.roles.contains(&spec.name)) {
            let mut text = String::new();
            for used in &spec.uses {
                for member in &context.members[used] {
                    writeln!(text, "{used} {} {}", member.name, member.address).unwrap();
                }
            }
            if spec.name.as_str() == "proxy" {
                writeln!(text, "version {:?}", context.serving).unwrap();
            }
            files.push(FileSpec { path: spec.name.to_string(), content: text, mode: 0o640 });
            processes.push(ProcessSpec {
                role: spec.name.clone(),
                name: spec.name.to_string(),
                command: vec![],
                environment: BTreeMap::new(),
                files: vec![],
                check: vec![],
                reload: ReloadMethod::Restart,
                stop_signal: "TERM".into(),
                stop_timeout_s: 10,
                health: HealthProbe { kind: ProbeKind::Alive, interval_ms: 1, timeout_ms: 1, failures: 1 },
                streams: StreamNames::default(),
                metrics: MetricsSpec::default(),
            });
        }
        if context.settings.contains_key("broken") {
            return Err("line 1: no such setting".into());
        }
        Ok(InstanceConfig {
            generation: 0,
            instance: context.instance,
            files,
            code: CodePlan { versions: context.versions.clone(), check: vec!["look".into()], prepare: None },
            processes,
            init: vec![],
            environment: context.variables.clone(),
            tasks: Vec::new(),
            drain: kind
                .spec
                .roles
                .iter()
                .filter(|role| context.draining.contains(&role.name))
                .filter_map(|role| role.drain.clone())
                .collect(),
        })
    }
}
