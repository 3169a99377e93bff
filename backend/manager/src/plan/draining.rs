//! Roles that have left: when their processes may end.

use super::board::{Board, Draft};
use crate::{
    step::Level,
    world::{Entry, EntryInstance, Instance, World},
};
use aerie_domain::{RoleName, RolePhase};
use aerie_kinds::RoleSpec;
use std::collections::BTreeMap;
use time::Duration;

/// How long after its deadline a role waits for others that do not confirm. Longer: a dead agent holds up changes;
/// shorter: a slow one is surprised.
const PATIENCE: Duration = Duration::seconds(30);

/// How often to look whether the entry knows: its report wakes its own manager, not this one.
const ENTRY_POLL: Duration = Duration::milliseconds(150);

/// Ends roles that have drained; true if there were any. An instance without roles is condemned.
pub(super) fn finish(board: &mut Board<'_>) -> bool {
    let mut known: BTreeMap<RoleName, bool> = BTreeMap::new();
    let mut any = false;
    for index in 0..board.drafts.len() {
        if !board.drafts[index].wanted {
            continue;
        }
        // not in the pass that begins it: nobody can know yet
        let draining: Vec<_> = board.drafts[index]
            .row
            .into_iter()
            .flat_map(|row| &row.roles)
            .filter(|role| role.phase == RolePhase::Draining && board.drafts[index].phase(&role.name).is_some())
            .cloned()
            .collect();
        for role in draining {
            let known = *known.entry(role.name.clone()).or_insert_with(|| users_know(board, &role.name));
            let deadline = role.drain_until.unwrap_or(board.world.now);
            if !may_end(board, index, &role.name, known, deadline) {
                continue;
            }
            any = true;
            let label = board.drafts[index].label();
            board.drafts[index].roles.retain(|r| r.name != role.name);
            board.say(Level::Info, format!("Ending role {} of instance {label}: it has drained.", role.name));
        }
        if board.drafts[index].roles.is_empty() {
            board.drafts[index].wanted = false;
            let text = format!("Removing instance {}: all its roles have ended.", board.drafts[index].short);
            board.say(Level::Info, text);
        }
    }
    any
}

fn may_end(board: &mut Board<'_>, index: usize, role: &RoleName, known: bool, deadline: time::OffsetDateTime) -> bool {
    let now = board.world.now;
    let draft = &board.drafts[index];
    let leaves = |slot: u32| slot >= board.slots_wanted() && board.role(role).is_some_and(RoleSpec::is_cluster);
    if draft.slot.is_some_and(leaves) && board.world.instances.iter().any(|row| row.slot > draft.slot) {
        // one after the other: clusters may take two that leave at once for a failure
        return false;
    }
    if hands_over(board, draft.slot, role) && !has_handed_over(draft, role) {
        // its report wakes us; there is no other way out, or what only it has would be lost
        return false;
    }
    if !draft.is_running() && !draft.is_busy() {
        return true;
    }
    if now < deadline {
        board.plan.wake(deadline);
        return false;
    }
    // Those who did not hear of it because nobody told them (the director was away, or the clock was set) get their time.
    let patience = deadline.max(board.world.watching_since) + PATIENCE;
    if now >= patience {
        return true;
    }
    let entry_knows =
        !board.is_public(role) || draft.row.is_none_or(|row| entry_forgot(&board.world.entry, row, board.world));
    if known && entry_knows {
        return true;
    }
    board.plan.wake(if known { now + ENTRY_POLL } else { patience });
    false
}

/// A role in this slot has to hand over what it has before it may end: nobody will take the slot over.
pub(super) fn hands_over(board: &Board<'_>, slot: Option<u32>, role: &RoleName) -> bool {
    board.role(role).is_some_and(|spec| spec.drain.is_some()) && slot.is_some_and(|slot| slot >= board.slots_wanted())
}

fn has_handed_over(draft: &Draft<'_>, role: &RoleName) -> bool {
    draft.is_up_to_date() && draft.row.and_then(|row| row.report.as_ref()).is_some_and(|r| r.drained.contains(role))
}

/// Everybody who uses the role and has visitors does so by a configuration without those who drain.
fn users_know(board: &Board<'_>, role: &RoleName) -> bool {
    let uses = |draft: &Draft<'_>| {
        draft.roles.iter().any(|user| {
            user.phase != RolePhase::Starting && board.role(&user.name).is_some_and(|spec| spec.uses.contains(role))
        })
    };
    board.drafts.iter().filter(|draft| draft.is_running() && uses(draft)).all(Draft::is_up_to_date)
}

/// The entry sends nobody to this instance any more, by its name or by its address.
pub(super) fn entry_forgot(entry: &Entry, row: &Instance, world: &World) -> bool {
    let socket = socket(row, world);
    entry.instances.iter().all(|instance| {
        let named = says(instance, &row.short) || socket.as_deref().is_some_and(|socket| says(instance, socket));
        instance.applied && !named
    })
}

/// The entry sends visitors to this instance, by its name and to its address: one that left may have had the same address,
/// and the entry may not have heard yet that it did.
pub(super) fn entry_names(entry: &Entry, row: &Instance, world: &World) -> bool {
    let socket = socket(row, world);
    !entry.instances.is_empty()
        && entry.instances.iter().all(|instance| {
            let there = socket.as_deref().is_some_and(|socket| says(instance, socket));
            instance.applied && there && says(instance, &row.short)
        })
}

/// Where visitors of an instance are sent.
fn socket(row: &Instance, world: &World) -> Option<String> {
    let port = world.kind.as_ref().and_then(|kind| kind.spec.public.as_ref()).map_or(0, |public| public.port);
    let address = row.seen.as_ref().and_then(|seen| seen.address.as_ref()).or(row.address.as_ref());
    address.map(|address| format!("{address}:{port}"))
}

fn says(entry: &EntryInstance, text: &str) -> bool {
    entry.config.as_ref().is_some_and(|config| config.files.iter().any(|file| file.content.contains(text)))
}
