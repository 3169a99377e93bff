//! Instances that have become old: made from, or with processes that were started with, something else than is wanted now.
//!
//! Nothing about it is stored but what an instance was made from: its container, its configuration and the generation at
//! which it was intended. One that has to be replaced gives up its place when its turn has come; from there on it is
//! make-before-break like any other move, or, with a volume of its own, stop and start in its slot. Where two cannot be
//! there at the same time, and nothing but the processes is old, they are started anew where they are.

use super::{
    Render,
    board::{Age, Board, Draft, Weight},
    configs,
    containers::{named_volumes, volumes_away},
    leaving::is_exclusive,
    matching::Matching,
};
use crate::{
    explain,
    world::{Image, Instance},
};
use aerie_agent_protocol::{InstanceConfig, ProcessSpec};
use aerie_cloud::Mount;
use aerie_domain::{RoleName, RolePhase};
use aerie_kinds::{Placement, RenderContext, Renewal, Starts};
use std::{cmp::Reverse, collections::BTreeMap};
use time::Duration;

/// How often to look whether a service that is used has restarted: its manager does not wake those that wait for it.
const AWAIT_POLL: Duration = Duration::milliseconds(200);

/// Tells of every instance how old it is, and whose processes stay as they are for now.
pub(super) fn tell_age(board: &mut Board<'_>, render: &dyn Render) {
    let members = configs::members(board);
    for index in 0..board.drafts.len() {
        let draft = &board.drafts[index];
        let Some(row) = draft.row else { continue };
        let asked = !draft.auxiliary && row.generation < board.world.service.restart_generation;
        let outdated = asked || has_other_volumes(board, draft, row);
        let differs = row.config.as_deref().filter(|_| works(draft)).is_some_and(|current| {
            let serving = board.world.service.serving;
            let context = RenderContext { serving, ..configs::context(board, draft, &members) };
            render.starts(board.kind, &context).is_ok_and(|wanted| !Starts::from(current).are_like(&wanted))
        });
        let age = match (outdated, differs) {
            (false, true) if stays_where_it_is(board, draft) => Age::Restarts,
            (true, _) | (false, true) => Age::Outdated,
            (false, false) => Age::Current,
        };
        let draft = &mut board.drafts[index];
        (draft.age, draft.held) = (age, differs);
    }
    for index in turns(board) {
        board.drafts[index].held = false;
    }
}

/// Its container was made with other volumes of the application than it shall have.
fn has_other_volumes(board: &Board<'_>, draft: &Draft<'_>, row: &Instance) -> bool {
    let Some(made) = row.container.as_ref().filter(|_| row.is_running()) else { return false };
    let has: Vec<&Mount> = made.volumes.iter().filter(|mount| mount.named.is_some()).collect();
    // draining roles keep what they have
    let roles = || draft.roles.iter().map(|role| &role.name);
    if !volumes_away(board, roles()).is_empty() {
        // whoever takes its place would have to wait for them, too
        return false;
    }
    let wanted = named_volumes(board, roles());
    has != wanted.iter().collect::<Vec<_>>()
}

/// Others may be using it, so that its processes must not be started anew just like that.
fn works(draft: &Draft<'_>) -> bool {
    draft.is_running() && !draft.renew && draft.roles.iter().any(|role| role.phase != RolePhase::Starting)
}

/// A second one beside it is impossible, or more would be lost than its processes.
fn stays_where_it_is(board: &Board<'_>, draft: &Draft<'_>) -> bool {
    draft.roles.iter().any(|role| {
        is_exclusive(board, &role.name)
            || board.role(&role.name).is_some_and(|spec| spec.process.renewal == Renewal::Process)
    })
}

/// What the instance is told: its processes stay as they were started while it is held.
pub(super) fn held(draft: &Draft<'_>, wanted: InstanceConfig) -> InstanceConfig {
    let Some(current) = draft.row.and_then(|row| row.config.as_deref()).filter(|_| draft.held) else { return wanted };
    let started: BTreeMap<&str, &ProcessSpec> =
        current.processes.iter().map(|process| (process.name.as_str(), process)).collect();
    let as_started = |wanted: ProcessSpec| match started.get(wanted.name.as_str()) {
        Some(current) => ProcessSpec {
            role: current.role.clone(),
            command: current.command.clone(),
            environment: current.environment.clone(),
            streams: current.streams.clone(),
            ..wanted
        },
        None => wanted,
    };
    InstanceConfig {
        environment: current.environment.clone(),
        processes: wanted.processes.into_iter().map(as_started).collect(),
        ..wanted
    }
}

/// Instances whose processes may be started anew now: one per role, and only while the others are well.
fn turns(board: &Board<'_>) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    for index in in_order(board, Age::Restarts) {
        let draft = &board.drafts[index];
        let in_the_way = board.drafts.iter().enumerate().filter(|(other, _)| *other != index).any(|(at, other)| {
            let comes_first = chosen.contains(&at) || (other.age == Age::Current && works(other) && !is_well(other));
            share_a_role(draft, other) && (comes_first || leaves(other))
        });
        if !in_the_way && !somebody_goes(board, draft) {
            chosen.push(index);
        }
    }
    chosen
}

/// Has instances that are to be replaced give up their place: one per role, and only while the others serve. Those that are
/// not well go first: they have nothing to lose.
pub(super) fn choose(board: &mut Board<'_>, matching: &mut Matching) {
    let old: Vec<usize> = in_order(board, Age::Outdated).filter(|index| matching.places[*index].is_some()).collect();
    let to_go = board.drafts.iter().filter(|draft| draft.age == Age::Outdated).count();
    if to_go > 0 {
        board.doing.push(format!("replacing instances one after the other, {to_go} to go"));
    }
    if old.is_empty() {
        return;
    }
    let awaited = &board.world.service.restarting;
    if !awaited.is_empty() {
        let text = explain::waits_for(awaited);
        board.doing.insert(0, text.clone());
        board.trouble(Weight::Waiting, format!("Restarts when what it uses has restarted: {text}."));
        board.plan.wake(board.world.now + AWAIT_POLL);
        return;
    }
    if !matches!(board.world.image, Image::Ready(_)) {
        // first of all: an instance that makes room for its successor must not wait for a build
        board.wants_image = true;
        return;
    }
    for index in old {
        if !may_be_replaced(board, index, matching) {
            continue;
        }
        let Some(roles) = matching.places[index].take() else { continue };
        let draft = &board.drafts[index];
        let slotted = board.spec().slotted().is_some_and(|role| roles.contains(&role.name));
        let slot = draft.slot.filter(|_| slotted);
        matching.open.push((Placement { roles, auxiliary: draft.auxiliary }, slot));
    }
}

fn may_be_replaced(board: &Board<'_>, index: usize, matching: &Matching) -> bool {
    let draft = &board.drafts[index];
    let well = works(draft) && is_well(draft);
    let others = board.drafts.iter().enumerate().filter(|(at, other)| *at != index && share_a_role(draft, other));
    let others_let = others.into_iter().all(|(at, other)| {
        let comes = other.age != Age::Outdated && other.roles.iter().any(|role| role.phase == RolePhase::Starting);
        let goes = matching.places[at].is_none() || leaves(other);
        !comes && !goes && (!well || works(other) && is_well(other))
    });
    let is_open = |role: &RoleName| matching.open.iter().any(|(placement, _)| placement.roles.contains(role));
    others_let && !draft.roles.iter().any(|role| is_open(&role.name)) && !somebody_goes(board, draft)
}

/// Instances of an age in the order of their turns: those that are not well, then the highest slots, then the oldest.
fn in_order(board: &Board<'_>, age: Age) -> impl Iterator<Item = usize> + use<> {
    let mut order: Vec<(bool, Reverse<Option<u32>>, usize)> = Vec::new();
    for (index, draft) in board.drafts.iter().enumerate().filter(|(_, draft)| draft.wanted && draft.age == age) {
        order.push((works(draft) && is_well(draft), Reverse(draft.slot), index));
    }
    order.sort_unstable();
    order.into_iter().map(|(_, _, index)| index)
}

/// It has brought about what it was told last.
fn is_well(draft: &Draft<'_>) -> bool {
    !draft.lost && draft.row.is_some_and(Instance::has_applied)
}

fn leaves(draft: &Draft<'_>) -> bool {
    !draft.wanted || draft.roles.iter().any(|role| role.phase == RolePhase::Draining)
}

fn share_a_role(one: &Draft<'_>, other: &Draft<'_>) -> bool {
    one.roles.iter().any(|role| other.phase(&role.name).is_some())
}

/// A container with one of the instance's roles is being removed: its memory is needed first.
fn somebody_goes(board: &Board<'_>, draft: &Draft<'_>) -> bool {
    let mut condemned = board.world.instances.iter().filter(|row| !row.wanted);
    condemned.any(|row| row.roles.iter().any(|role| draft.phase(&role.name).is_some()))
}
