//! Roles come and go: new instances, roles that are added, roles that are retired make-before-break.

use super::{
    board::{Board, Draft},
    matching::Matching,
};
use crate::{
    step::Level,
    world::{Role, Work},
};
use aerie_domain::{RoleName, RolePhase};
use std::collections::BTreeMap;
use time::Duration;

/// Makes every instance's roles those of its place, as far as that may happen now.
pub(super) fn assign(board: &mut Board<'_>, matching: &Matching) {
    for (index, place) in matching.places.iter().enumerate() {
        board.drafts[index].placed = place.is_some();
        if let Some(place) = place {
            add_missing(board, index, place);
        }
    }
    let mut serving = board.serving_counts();
    // younger ones go first
    for index in (0..matching.places.len()).rev() {
        retire_surplus(board, index, matching.places[index].as_deref().unwrap_or(&[]), &mut serving);
    }
    insert_new(board, matching);
}

fn add_missing(board: &mut Board<'_>, index: usize, place: &[RoleName]) {
    let missing: Vec<RoleName> =
        place.iter().filter(|role| board.drafts[index].phase(role).is_none()).cloned().collect();
    for role in missing {
        board.say(Level::Info, format!("Adding role {role} to instance {}.", board.drafts[index].label()));
        let role = starting(role, board);
        board.drafts[index].roles.push(role);
    }
}

fn retire_surplus(board: &mut Board<'_>, index: usize, place: &[RoleName], serving: &mut BTreeMap<RoleName, usize>) {
    let now = board.world.now;
    let until = now + Duration::seconds(i64::from(board.spec().drain_s));
    let draft = &board.drafts[index];
    if !draft.wanted {
        return;
    }
    let label = draft.label();
    let counted = draft.is_running() && !draft.lost;
    let mut kept = Vec::with_capacity(draft.roles.len());
    let mut drained = Vec::new();
    for role in &draft.roles {
        if place.contains(&role.name) || role.phase == RolePhase::Draining {
            kept.push(role.clone());
            continue;
        }
        if role.phase == RolePhase::Starting {
            continue;
        }
        let others = serving.get(&role.name).copied().unwrap_or(0) - usize::from(counted);
        if others >= board.count(&role.name) || is_exclusive(board, &role.name) {
            if counted && let Some(count) = serving.get_mut(&role.name) {
                *count -= 1;
            }
            drained.push(role.name.clone());
            kept.push(Role {
                name: role.name.clone(),
                phase: RolePhase::Draining,
                since: now,
                drain_until: Some(until),
            });
        } else {
            kept.push(role.clone());
        }
    }
    for role in &drained {
        board.wake_entry |= board.is_public(role);
        board.say(Level::Info, format!("Draining role {role} of instance {label}: others serve it."));
    }
    let draft = &mut board.drafts[index];
    draft.wanted = !kept.is_empty();
    draft.roles = kept;
    if !draft.wanted {
        board.say(Level::Info, format!("Giving up instance {label}: it is not needed any more."));
    }
}

fn insert_new(board: &mut Board<'_>, matching: &Matching) {
    let mut ids = board.world.fresh.iter().copied();
    for placement in &matching.open {
        let waits = placement.roles.iter().any(|role| is_exclusive(board, role) && is_held(board, role));
        let Some(id) = ids.next().filter(|_| !waits) else {
            board.waiting_placements += 1;
            continue;
        };
        let roles: Vec<Role> = placement.roles.iter().map(|role| starting(role.clone(), board)).collect();
        let draft = Draft::fresh(id, placement.auxiliary, roles);
        board.say(Level::Info, format!("Creating instance {}.", draft.label()));
        board.drafts.push(draft);
    }
}

fn starting(name: RoleName, board: &Board<'_>) -> Role {
    Role { name, phase: RolePhase::Starting, since: board.world.now, drain_until: None }
}

/// Two must never run at the same time: they would write to one volume, or want one port of the host.
fn is_exclusive(board: &Board<'_>, role: &RoleName) -> bool {
    board.spec().host_network || board.role(role).is_some_and(|spec| spec.volume.is_some())
}

/// Some instance, or its container, still has the role.
fn is_held(board: &Board<'_>, role: &RoleName) -> bool {
    let condemned = board.world.instances.iter().filter(|row| !row.wanted || row.work == Work::Busy);
    board.drafts.iter().any(|draft| draft.phase(role).is_some())
        || board.drafts.iter().filter(|d| !d.wanted).filter_map(|d| d.row).any(|row| holds(&row.roles, role))
        || condemned.into_iter().any(|row| holds(&row.roles, role))
}

fn holds(roles: &[Role], role: &RoleName) -> bool {
    roles.iter().any(|r| r.name == *role)
}
