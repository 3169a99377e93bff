//! What every instance's agent shall bring about, and whether that differs from what it was told.

use super::{
    Render, actions,
    board::{Board, Draft, Weight},
    code::{check_once, needs_code},
    draining::hands_over,
    replacing,
};
use aerie_agent_protocol::InstanceConfig;
use aerie_domain::{InstanceId, RoleName, RolePhase};
use aerie_kinds::{Member, RenderContext};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Per role, who may be used, by id.
pub(super) type Members = BTreeMap<RoleName, BTreeMap<InstanceId, Member>>;

/// Renders all wanted instances; [`Draft::config`] is set where something changes.
pub(super) fn render_all(board: &mut Board<'_>, render: &dyn Render) {
    let members = members(board);
    let mut failed = None;
    for index in 0..board.drafts.len() {
        let draft = &board.drafts[index];
        let config = if draft.wanted {
            let context = context(board, draft, &members);
            let rendered = render.render(board.kind, &context).and_then(|mut config| {
                check_once(board, draft, &mut config);
                let tasks = actions::tasks(board, draft, &context)?;
                Ok(replacing::held(draft, InstanceConfig { tasks, ..config }))
            });
            match rendered {
                Ok(config) => changed(draft, config),
                Err(text) => {
                    failed = Some(text);
                    None
                }
            }
        } else {
            None
        };
        let only_tasks = {
            let draft = &board.drafts[index];
            let current = draft.row.and_then(|row| row.config.as_deref());
            !draft.renew
                && config
                    .as_deref()
                    .zip(current)
                    .is_some_and(|(config, current)| actions::differs_in_tasks(config, current))
        };
        board.drafts[index].config = config;
        board.drafts[index].only_tasks = only_tasks;
    }
    if let Some(text) = failed
        && !board.troubles.iter().any(|trouble| trouble.weight == Weight::Hopeless)
    {
        board.trouble(Weight::Hopeless, format!("The configuration cannot be written: {text}"));
    }
}

fn changed(draft: &Draft<'_>, mut config: InstanceConfig) -> Option<Arc<InstanceConfig>> {
    let current = draft.row.and_then(|row| row.config.as_deref());
    if let Some(current) = current {
        config.generation = current.generation;
        if actions::says_nothing_new(&config, current) && !draft.renew {
            return None;
        }
    }
    config.generation = draft.row.map_or(0, |row| row.config_generation) + 1;
    Some(Arc::new(config))
}

/// Roles that others may use: serving, not draining, in a container that runs and has an address.
pub(super) fn members(board: &Board<'_>) -> Members {
    let mut members = Members::new();
    for draft in board.drafts.iter().filter(|draft| draft.is_running()) {
        let Some(address) = draft.address(board.spec().host_network) else { continue };
        for role in draft.roles.iter().filter(|role| role.phase == RolePhase::Serving) {
            members
                .entry(role.name.clone())
                .or_default()
                .insert(draft.id, Member { name: draft.short.clone(), address: address.to_owned() });
        }
    }
    members
}

pub(super) fn context(board: &Board<'_>, draft: &Draft<'_>, members: &Members) -> RenderContext {
    let service = &board.world.service;
    // helpers are the platform's own: nobody's passwords, and no restart for a variable that they do not know
    let for_user = !draft.auxiliary;
    RenderContext {
        service: service.name.clone(),
        application: service.application.clone(),
        instance: draft.id,
        roles: board.spec().roles.iter().filter(|r| draft.phase(&r.name).is_some()).map(|r| r.name.clone()).collect(),
        members: seen_by(board, draft, members),
        counts: board.counts(),
        settings: service.settings.clone(),
        secrets: service.secrets.clone(),
        variables: if for_user { service.variables.clone() } else { BTreeMap::new() },
        bindings: if for_user { service.bindings.clone() } else { BTreeMap::new() },
        serving: board.code.serving,
        versions: if needs_code(board, draft) { board.code.versions.clone() } else { Vec::new() },
        routes: if board.spec().receives_routes { board.world.routes.clone() } else { Vec::new() },
        installation: board.world.settings.values(),
        slot: draft.slot.unwrap_or(0),
        draining: draft
            .roles
            .iter()
            .filter(|role| role.phase == RolePhase::Draining && hands_over(board, draft.slot, &role.name))
            .map(|role| role.name.clone())
            .collect(),
        slots: board.slots(),
        slots_wanted: board.slots_wanted(),
        carried: if board.mounts(draft) { service.carried.clone() } else { Vec::new() },
    }
}

/// The members of the roles that the instance uses or sees; other roles have none, so that a configuration changes only when
/// something changes that it names, and so that many instances cost no square of their number.
fn seen_by(board: &Board<'_>, draft: &Draft<'_>, members: &Members) -> BTreeMap<RoleName, Vec<Member>> {
    let specs = draft.roles.iter().filter_map(|role| board.role(&role.name));
    let used: BTreeSet<&RoleName> = specs.flat_map(|spec| spec.uses.iter().chain(&spec.sees)).collect();
    let mut seen = BTreeMap::new();
    for role in board.spec().roles.iter().map(|spec| &spec.name) {
        let mut list = Vec::new();
        if used.contains(role) {
            let own = Member { name: draft.short.clone(), address: "127.0.0.1".to_owned() };
            let mut others = members.get(role).cloned().unwrap_or_default();
            if others.contains_key(&draft.id) || is_listed_early(board, draft, role) {
                others.insert(draft.id, own);
            }
            list.extend(others.into_values());
        }
        seen.insert(role.clone(), list);
    }
    seen
}

/// The instance is told of its own role before that serves, as long as nothing that uses it serves either: nobody is
/// sent to it then.
fn is_listed_early(board: &Board<'_>, draft: &Draft<'_>, role: &RoleName) -> bool {
    draft.phase(role) == Some(RolePhase::Starting)
        && draft
            .roles
            .iter()
            .filter(|user| {
                board.role(&user.name).is_some_and(|spec| spec.uses.contains(role) || spec.sees.contains(role))
            })
            .all(|user| user.phase == RolePhase::Starting)
}
