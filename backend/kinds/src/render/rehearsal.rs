//! Rendering a kind for made-up services when it is loaded, so that a misspelt filter or setting is told then rather
//! than by the first service that needs it.

use super::{ActionCall, Bound, Carried, Member, OfferContext, RenderContext, RenderError, Route};
use crate::Kind;
use aerie_agent_protocol::CodeVersionSpec;
use aerie_domain::{ActionName, ActionRunId, BackupScript, CodeVersionId, InstanceId, LifeId};
use std::{collections::BTreeMap, error::Error};

/// What the installation tells its system kinds.
const INSTALLATION: &[(&str, &str)] =
    &[("public_bind", "127.0.0.1"), ("public_port", "8080"), ("ready_port", "8081"), ("domain", "localhost")];

/// The error is the file (below the kind's folder) and the message.
pub(crate) fn rehearse(kind: &Kind) -> Result<(), (String, String)> {
    for context in [full(kind), bare(kind)] {
        let offers = kind.offers(&OfferContext::from(&context)).map(|_| ());
        let rendered = offers.and_then(|()| kind.render(&context).map(|_| ()));
        let rendered = rendered.and_then(|()| kind.starts(&context).map(|_| ()));
        rendered.and_then(|()| actions(kind, &context)).map_err(|error| {
            let file = if error.file.starts_with("files/") { error.file.clone() } else { "template.toml".to_owned() };
            let line = error.source.line().map(|line| format!("line {line}: ")).unwrap_or_default();
            let cause = error.source.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            let at = if file == error.file { String::new() } else { format!("{}: ", error.file) };
            (file, format!("{at}{line}{}{cause}", error.source))
        })?;
    }
    Ok(())
}

/// Every action, with what its form shows at first, and the scripts for backups.
fn actions(kind: &Kind, context: &RenderContext) -> Result<(), RenderError> {
    kind.spec.actions.iter().try_for_each(|action| {
        let call = ActionCall {
            id: ActionRunId::generate(),
            life: LifeId::generate(),
            role: action.roles[0].clone(),
            values: action.fields.iter().map(|field| (field.name.clone(), field.default.clone())).collect(),
        };
        kind.task(action, &call, context).map(|_| ())
    })?;
    let Some(backup) = &kind.spec.backup else { return Ok(()) };
    BackupScript::ALL.iter().filter_map(|script| script.action().parse::<ActionName>().ok()).try_for_each(|name| {
        let (id, life, role) = (ActionRunId::generate(), LifeId::generate(), backup.role.clone());
        let call = ActionCall { id, life, role, values: BTreeMap::new() };
        kind.task_called(&name, &call, context).transpose().map(|_| ())
    })
}

/// A service that has one of everything.
fn full(kind: &Kind) -> RenderContext {
    let member = || vec![Member { name: "x1".to_owned(), address: "127.0.0.1".to_owned() }];
    let route = |members| Route {
        name: "r1".to_owned(),
        hosts: vec!["a.localhost".to_owned()],
        members,
        port: 8080,
        state: "is starting".to_owned(),
    };
    let version = CodeVersionId::generate();
    let variables = ["HOST", "PORT", "NAME", "USER", "PASSWORD", "URL"];
    let variables = variables.iter().map(|name| ((*name).to_owned(), "value".to_owned())).collect();
    let bound = Bound { service: "db".to_owned(), kind: "mysql".to_owned(), variables };
    RenderContext {
        members: kind.spec.roles.iter().map(|role| (role.name.clone(), member())).collect(),
        counts: kind.spec.roles.iter().map(|role| (role.name.clone(), role.max)).collect(),
        variables: [("NAME".to_owned(), "value".to_owned())].into(),
        bindings: [("DB".to_owned(), bound)].into(),
        serving: Some(version),
        versions: vec![CodeVersionSpec { id: version, digest: String::new(), size_bytes: 0 }],
        routes: vec![route(member()), route(Vec::new())],
        slot: 1,
        draining: kind.spec.roles.iter().map(|role| role.name.clone()).collect(),
        slots: 3,
        slots_wanted: 3,
        carried: vec![
            Carried { folder: "1".to_owned(), quota_mib: Some(1) },
            Carried { folder: "2".to_owned(), quota_mib: None },
        ],
        ..bare(kind)
    }
}

/// A service that has nothing yet.
fn bare(kind: &Kind) -> RenderContext {
    RenderContext {
        service: "service".to_owned(),
        application: "application".to_owned(),
        instance: InstanceId::generate(),
        roles: kind.spec.roles.iter().map(|role| role.name.clone()).collect(),
        members: BTreeMap::new(),
        counts: kind.spec.roles.iter().map(|role| (role.name.clone(), role.min)).collect(),
        settings: BTreeMap::new(),
        secrets: kind.spec.secrets.iter().map(|secret| (secret.name.clone(), "secret".to_owned())).collect(),
        variables: BTreeMap::new(),
        bindings: BTreeMap::new(),
        serving: None,
        versions: Vec::new(),
        routes: Vec::new(),
        installation: INSTALLATION.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        slot: 0,
        draining: Vec::new(),
        slots: 1,
        slots_wanted: 1,
        carried: Vec::new(),
    }
}
