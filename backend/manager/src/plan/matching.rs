//! Which instance takes which place.

use super::{
    board::{Age, Board, Draft},
    containers::named_volumes,
};
use aerie_domain::{RoleName, RolePhase};
use aerie_kinds::{Placement, place};
use std::collections::BTreeMap;

/// Who goes where.
pub(super) struct Matching {
    /// Per draft, the roles of its place; `None`: it has no place any more.
    pub places: Vec<Option<Vec<RoleName>>>,
    /// Places that nobody takes, with their slots.
    pub open: Vec<(Placement, Option<u32>)>,
}

/// Roles, whether they are helpers, and the slot: what places and instances are compared by.
type Shape = (bool, Vec<RoleName>, Option<u32>);

/// Gives every wanted instance its place. Costs little more than the number of instances: equal ones are groups.
pub(super) fn match_instances(board: &Board<'_>) -> Matching {
    let mut places: Vec<Option<Vec<RoleName>>> = vec![None; board.drafts.len()];
    let mut open: BTreeMap<Shape, Vec<Placement>> = BTreeMap::new();
    let slotted = board.spec().slotted().map(|role| &role.name);
    // as many as are wanted, from 0
    let mut slots = 0..;
    for placement in place(board.spec(), &board.world.service.counts) {
        let has_slot = slotted.is_some_and(|role| placement.roles.contains(role));
        let slot = if has_slot { slots.next() } else { None };
        open.entry(shape(placement.auxiliary, placement.roles.iter(), slot)).or_default().push(placement);
    }
    let mut free: BTreeMap<Shape, Vec<usize>> = BTreeMap::new();
    for (index, draft) in board.drafts.iter().enumerate().filter(|(_, d)| d.wanted && !d.lost) {
        let slot = draft.slot.filter(|_| draft.live_roles().any(|role| Some(role) == slotted));
        let shape = shape(draft.auxiliary, draft.live_roles(), slot);
        if !shape.1.is_empty() {
            free.entry(shape).or_default().push(index);
        }
    }
    for group in free.values_mut() {
        // from the back: those that need not be replaced first, then serving ones, then older ones
        group.sort_by_key(|index| (rank(&board.drafts[*index]), std::cmp::Reverse(*index)));
    }

    let mut pairs: Vec<(Score, Shape, Shape)> = Vec::new();
    for wanted in open.keys() {
        for present in free.keys().filter(|present| may_become(board, present, wanted)) {
            pairs.push((score(board, present, wanted), wanted.clone(), present.clone()));
        }
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (&a.1, &a.2).cmp(&(&b.1, &b.2))));
    for (_, wanted, present) in pairs {
        let (Some(places_left), Some(drafts_left)) = (open.get_mut(&wanted), free.get_mut(&present)) else { continue };
        while !places_left.is_empty() && !drafts_left.is_empty() {
            if let (Some(placement), Some(index)) = (places_left.pop(), drafts_left.pop()) {
                places[index] = Some(placement.roles);
            }
        }
    }
    let with_slot = |(shape, places): (Shape, Vec<Placement>)| places.into_iter().map(move |place| (place, shape.2));
    Matching { places, open: open.into_iter().flat_map(with_slot).collect() }
}

/// Equal sets first, then many shared roles, then one that comes early in the kind: visitors arrive at the first ones.
type Score = (bool, usize, std::cmp::Reverse<usize>);

fn score(board: &Board<'_>, present: &Shape, wanted: &Shape) -> Score {
    let shared = |role: &RoleName| present.1.contains(role) && wanted.1.contains(role);
    let first = board.spec().roles.iter().position(|role| shared(&role.name)).unwrap_or(usize::MAX);
    (wanted == present, wanted.1.iter().filter(|role| shared(role)).count(), std::cmp::Reverse(first))
}

fn shape<'a>(auxiliary: bool, roles: impl Iterator<Item = &'a RoleName>, slot: Option<u32>) -> Shape {
    let mut roles: Vec<RoleName> = roles.cloned().collect();
    roles.sort();
    (auxiliary, roles, slot)
}

fn rank(draft: &Draft<'_>) -> (bool, usize) {
    let serving = draft.roles.iter().filter(|role| role.phase == RolePhase::Serving).count();
    (draft.age != Age::Outdated, if draft.is_running() { serving } else { 0 })
}

/// An instance with one set of roles can get another one: they share a role, and what its container was made for stays.
/// Those are its volumes, with the slot, and the name of the service, which leads to the first role.
fn may_become(board: &Board<'_>, present: &Shape, wanted: &Shape) -> bool {
    let made_for = |role: &RoleName| {
        let first = board.spec().roles.first().is_some_and(|first| first.name == *role);
        first || board.role(role).is_some_and(|spec| spec.volume.is_some())
    };
    let kept = |from: &Shape, to: &Shape| from.1.iter().all(|role| !made_for(role) || to.1.contains(role));
    present.0 == wanted.0
        && present.2 == wanted.2
        && wanted.1.iter().any(|role| present.1.contains(role))
        && kept(wanted, present)
        && kept(present, wanted)
        && named_volumes(board, present.1.iter()) == named_volumes(board, wanted.1.iter())
}
