//! Which roles may leave their instance now: make before break, and what that means for roles with data.

use super::{
    board::{Board, Draft},
    draining::hands_over,
    matching::Matching,
};
use aerie_domain::{RoleName, RolePhase};
use aerie_kinds::{RoleSpec, VolumeTemplate};
use std::collections::{BTreeMap, BTreeSet};

/// Who serves what, while roles are being retired one after the other.
pub(super) struct Serving {
    counts: BTreeMap<RoleName, usize>,
    /// The role with slots.
    slotted: Option<RoleName>,
    /// Slots in which it serves.
    slots: BTreeSet<u32>,
    /// Those of them whose instance stays.
    staying: BTreeSet<u32>,
}

impl Serving {
    pub fn of(board: &Board<'_>) -> Self {
        let slotted = board.spec().slotted().map(|role| &role.name);
        let serves = |draft: &&Draft<'_>| counts(draft) && slotted.is_some_and(|role| draft.serves(role));
        let slots = board.drafts.iter().filter(serves).filter_map(|draft| draft.slot).collect();
        let staying = board.drafts.iter().filter(serves).filter(|draft| draft.placed).filter_map(|d| d.slot).collect();
        Self { counts: board.serving_counts(), slotted: slotted.cloned(), slots, staying }
    }

    /// The role is about to be drained on this instance.
    pub fn leaves(&mut self, draft: &Draft<'_>, role: &RoleName) {
        if counts(draft)
            && draft.serves(role)
            && let Some(count) = self.counts.get_mut(role)
        {
            *count -= 1;
        }
        if let Some(slot) = draft.slot.filter(|_| self.slotted.as_ref() == Some(role)) {
            self.slots.remove(&slot);
        }
    }
}

/// What it serves is worth something.
fn counts(draft: &Draft<'_>) -> bool {
    draft.is_running() && !draft.lost
}

/// The roles that leave an instance now. One that has no place leaves as a whole: its container bears names that would
/// lead to what has ended, and volumes that its successor waits for.
pub(super) fn may_leave(board: &Board<'_>, index: usize, matching: &Matching, serving: &Serving) -> Vec<RoleName> {
    let draft = &board.drafts[index];
    let place = matching.places[index].as_deref();
    let surplus = |role: &&RoleName| !place.is_some_and(|place| place.contains(*role));
    let surplus: Vec<RoleName> = draft.live_roles().filter(surplus).cloned().collect();
    let may_go = |role: &RoleName| {
        draft.phase(role) == Some(RolePhase::Starting) && !keeps_data(board, draft, role)
            || comes_only_afterwards(board, draft, role, matching)
            || is_replaced(board, draft, role, serving)
    };
    if place.is_some() {
        return surplus.into_iter().filter(may_go).collect();
    }
    let matters = |role: &&RoleName| draft.phase(role) == Some(RolePhase::Serving) || keeps_data(board, draft, role);
    if surplus.iter().filter(matters).all(may_go) { surplus } else { Vec::new() }
}

/// It may have something that has to be handed over, even if it does not serve just now.
pub(super) fn keeps_data(board: &Board<'_>, draft: &Draft<'_>, role: &RoleName) -> bool {
    hands_over(board, draft.slot, role) && draft.slot.is_some_and(|slot| slot < board.world.service.slots_kept)
}

/// Others do the work already.
fn is_replaced(board: &Board<'_>, draft: &Draft<'_>, role: &RoleName, serving: &Serving) -> bool {
    let wanted = board.count(role);
    if let Some(slot) = draft.slot.filter(|_| board.role(role).is_some_and(RoleSpec::is_cluster)) {
        return slot_is_replaced(slot, wanted, serving);
    }
    let others = serving.counts.get(role).copied().unwrap_or(0) - usize::from(counts(draft) && draft.serves(role));
    others >= wanted || is_exclusive(board, role)
}

/// A slot that is not wanted any more goes when all wanted ones serve. A wanted one moves to another instance, and is away
/// meanwhile: the others have to do without it, unless there is to be only one and nobody else is left.
fn slot_is_replaced(slot: u32, wanted: usize, serving: &Serving) -> bool {
    let count = u32::try_from(wanted).unwrap_or(u32::MAX);
    if slot >= count {
        return (0..count).all(|slot| serving.staying.contains(&slot));
    }
    let others = serving.slots.iter().filter(|other| **other != slot).count();
    others >= wanted.saturating_sub(1).max(1) || (wanted <= 1 && others == 0)
}

/// An open place for the role waits for what this instance holds, so nobody can take over before it is gone.
fn comes_only_afterwards(board: &Board<'_>, draft: &Draft<'_>, role: &RoleName, matching: &Matching) -> bool {
    if board.role(role).is_some_and(RoleSpec::has_slots) {
        return false;
    }
    matching.open.iter().any(|(placement, slot)| {
        placement.roles.contains(role)
            && placement.roles.iter().any(|held| {
                is_exclusive(board, held)
                    && draft.phase(held).is_some()
                    && (!board.role(held).is_some_and(RoleSpec::has_slots) || draft.slot == *slot)
            })
    })
}

/// Two must never run at the same time: they would write to one volume, or want one port of the host. Of a role with
/// slots that is said of each slot.
pub(super) fn is_exclusive(board: &Board<'_>, role: &RoleName) -> bool {
    let volume: Option<&VolumeTemplate> = board.role(role).and_then(|spec| spec.volume.as_ref());
    board.spec().host_network || volume.is_some()
}
