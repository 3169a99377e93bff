//! Roles that become ready for others to use.

use super::board::{Board, Draft};
use super::code::needs_code;
use crate::{step::Level, world::Role};
use aerie_domain::{RoleName, RolePhase};
use std::collections::BTreeSet;

/// Moves ready roles from starting to serving; true if there were any.
pub(super) fn promote(board: &mut Board<'_>) -> bool {
    let order = used_first(board);
    let now = board.world.now;
    let served: BTreeSet<RoleName> = board
        .drafts
        .iter()
        .filter(|draft| draft.is_running())
        .flat_map(|draft| draft.roles.iter().filter(|r| r.phase == RolePhase::Serving).map(|r| r.name.clone()))
        .collect();
    let mut any = false;
    for index in 0..board.drafts.len() {
        let mut promoted = Vec::new();
        if is_candidate(board, &board.drafts[index]) {
            for role in &order {
                if board.drafts[index].phase(role) == Some(RolePhase::Starting)
                    && is_healthy(&board.drafts[index], role)
                    && finds_what_it_uses(board, &board.drafts[index], role, &served)
                {
                    let place = board.drafts[index].roles.iter_mut().find(|r| r.name == *role);
                    if let Some(place) = place {
                        *place = Role { phase: RolePhase::Serving, since: now, ..place.clone() };
                    }
                    promoted.push(role.to_string());
                    board.wake_entry |= board.is_public(role);
                    board.wake_users |= board.mounts(&board.drafts[index]);
                }
            }
        }
        if !promoted.is_empty() {
            any = true;
            let short = board.drafts[index].short.clone();
            board.say(Level::Info, format!("Instance {short} is ready: it serves {}.", promoted.join(", ")));
        }
    }
    any
}

fn is_candidate(board: &Board<'_>, draft: &Draft<'_>) -> bool {
    draft.is_running()
        && draft.is_up_to_date()
        && draft.roles.iter().any(|role| role.phase == RolePhase::Starting)
        && draft.address(board.spec().host_network).is_some()
        && (!needs_code(board, draft)
            || board.code.serving.is_none_or(|version| draft.row.is_some_and(|row| row.has_staged(version))))
}

fn is_healthy(draft: &Draft<'_>, role: &RoleName) -> bool {
    let Some(report) = draft.row.and_then(|row| row.report.as_ref()) else { return false };
    let mut processes = report.processes.iter().filter(|process| process.role == *role).peekable();
    processes.peek().is_some() && processes.all(|process| process.healthy)
}

/// Helpers and roles that nobody wants are not waited for.
fn finds_what_it_uses(board: &Board<'_>, draft: &Draft<'_>, role: &RoleName, served: &BTreeSet<RoleName>) -> bool {
    let Some(spec) = board.role(role) else { return true };
    spec.uses
        .iter()
        .filter(|used| *used != role && board.count(used) > 0)
        .all(|used| board.role(used).is_none_or(|used| used.auxiliary) || served.contains(used) || draft.serves(used))
}

/// The kind's roles, each after those that it uses.
fn used_first(board: &Board<'_>) -> Vec<RoleName> {
    let roles = &board.spec().roles;
    let mut order: Vec<RoleName> = Vec::with_capacity(roles.len());
    while order.len() < roles.len() {
        let open = || roles.iter().filter(|role| !order.contains(&role.name));
        let next = open()
            .find(|role| {
                role.uses.iter().all(|used| order.contains(used) || *used == role.name || board.role(used).is_none())
            })
            // a circle: any order will do
            .or_else(|| open().next());
        let Some(next) = next.map(|role| role.name.clone()) else { break };
        order.push(next);
    }
    order
}
