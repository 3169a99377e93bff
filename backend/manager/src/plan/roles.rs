//! Roles come and go: new instances, roles that are added, roles that are retired make-before-break.

use super::{
    board::{Board, Draft},
    leaving::{Serving, is_exclusive, keeps_data, may_leave},
    matching::Matching,
};
use crate::{
    step::Level,
    world::{Role, Work},
};
use aerie_domain::{InstanceId, RoleName, RolePhase};
use aerie_kinds::RoleSpec;
use time::Duration;

/// Makes every instance's roles those of its place, as far as that may happen now.
pub(super) fn assign(board: &mut Board<'_>, matching: &Matching) {
    for (index, place) in matching.places.iter().enumerate() {
        board.drafts[index].placed = place.is_some();
        if let Some(place) = place {
            add_missing(board, index, place);
        }
    }
    let mut serving = Serving::of(board);
    // younger ones go first
    for index in (0..matching.places.len()).rev() {
        retire_surplus(board, index, matching, &mut serving);
    }
    let mut ids = board.world.fresh.iter().copied();
    insert_new(board, matching, &mut ids);
    insert_kept(board, &mut ids);
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

fn retire_surplus(board: &mut Board<'_>, index: usize, matching: &Matching, serving: &mut Serving) {
    let now = board.world.now;
    let until = now + Duration::seconds(i64::from(board.spec().drain_s));
    let draft = &board.drafts[index];
    if !draft.wanted {
        return;
    }
    let label = draft.label();
    let leaving = may_leave(board, index, matching, serving);
    if leaving.is_empty() {
        return;
    }
    let mut kept = Vec::with_capacity(draft.roles.len());
    let mut drained = Vec::new();
    for role in &draft.roles {
        if !leaving.contains(&role.name) {
            kept.push(role.clone());
        } else if role.phase != RolePhase::Starting || keeps_data(board, draft, &role.name) {
            serving.leaves(draft, &role.name);
            drained.push(role.name.clone());
            let name = role.name.clone();
            kept.push(Role { name, phase: RolePhase::Draining, since: now, drain_until: Some(until) });
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

fn insert_new(board: &mut Board<'_>, matching: &Matching, ids: &mut impl Iterator<Item = InstanceId>) {
    for (placement, slot) in &matching.open {
        let waits = placement.roles.iter().any(|role| is_exclusive(board, role) && is_held(board, role, *slot));
        let Some(id) = ids.next().filter(|_| !waits) else {
            board.waiting_placements += 1;
            continue;
        };
        let roles: Vec<Role> = placement.roles.iter().map(|role| starting(role.clone(), board)).collect();
        let draft = Draft::fresh(id, placement.auxiliary, roles, *slot);
        board.say(Level::Info, format!("Creating instance {}.", draft.label()));
        board.drafts.push(draft);
    }
}

/// Slots that are not wanted but were not emptied either, since the service was stopped: they come back to hand over what
/// they have.
fn insert_kept(board: &mut Board<'_>, ids: &mut impl Iterator<Item = InstanceId>) {
    let Some(role) = board.spec().slotted().filter(|role| role.drain.is_some()).map(|role| role.name.clone()) else {
        return;
    };
    for slot in board.slots_wanted()..board.world.service.slots_kept {
        if is_held(board, &role, Some(slot)) {
            continue;
        }
        let Some(id) = ids.next() else { return };
        let draft = Draft { placed: false, ..Draft::fresh(id, false, vec![starting(role.clone(), board)], Some(slot)) };
        board.say(Level::Info, format!("Creating instance {}: what it keeps has to be handed over.", draft.label()));
        board.drafts.push(draft);
    }
}

fn starting(name: RoleName, board: &Board<'_>) -> Role {
    Role { name, phase: RolePhase::Starting, since: board.world.now, drain_until: None }
}

/// Some instance, or its container, still has the role, or the slot of a role that has them.
fn is_held(board: &Board<'_>, role: &RoleName, slot: Option<u32>) -> bool {
    if board.role(role).is_some_and(RoleSpec::has_slots) {
        return board.drafts.iter().any(|draft| draft.slot == slot)
            || board.world.instances.iter().any(|row| row.slot == slot);
    }
    let condemned = board.world.instances.iter().filter(|row| !row.wanted || row.work == Work::Busy);
    board.drafts.iter().any(|draft| draft.phase(role).is_some())
        || board.drafts.iter().filter(|d| !d.wanted).filter_map(|d| d.row).any(|row| holds(&row.roles, role))
        || condemned.into_iter().any(|row| holds(&row.roles, role))
}

fn holds(roles: &[Role], role: &RoleName) -> bool {
    roles.iter().any(|r| r.name == *role)
}
