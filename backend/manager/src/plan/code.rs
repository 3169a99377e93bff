//! Which code versions are staged, and which one visitors get.

use super::board::{Board, Draft};
use crate::step::Level;
use aerie_agent_protocol::InstanceConfig;
use aerie_domain::{CodeVersionId, RolePhase};

/// Decides what is served and what is staged.
pub(super) fn settle(board: &mut Board<'_>) {
    if board.spec().code.is_none() {
        return;
    }
    let world = board.world;
    let known = |id: &CodeVersionId| world.versions.iter().any(|version| version.spec.id == *id);
    let active = world.service.active.filter(known);
    let mut serving = world.service.serving.filter(known);
    let mut previous = world.service.previous.filter(known);
    if let Some(wanted) = active
        && serving != active
        && may_flip(board, wanted)
    {
        let number = world.versions.iter().find(|v| v.spec.id == wanted).map_or(0, |v| v.number);
        board.say(Level::Info, format!("Serving version {number} from now on."));
        board.code.flip = Some(wanted);
        previous = serving;
        serving = active;
    }
    board.code.serving = serving;
    // in the order of their numbers: a flip alone must not change what is staged
    board.code.versions = world
        .versions
        .iter()
        .filter(|version| [serving, active, previous].contains(&Some(version.spec.id)))
        .map(|version| version.spec.clone())
        .collect();
}

/// Everybody who gives visitors the code has the wanted version, and has done all that it was told before: then no
/// proxy can still name a version that is about to be removed.
fn may_flip(board: &Board<'_>, wanted: CodeVersionId) -> bool {
    let serving = |draft: &&Draft<'_>| {
        draft.is_running() && !draft.lost && draft.roles.iter().any(|role| role.phase == RolePhase::Serving)
    };
    let needs_code =
        |draft: &Draft<'_>| draft.roles.iter().any(|role| role.phase == RolePhase::Serving && takes_code(board, role));
    board.drafts.iter().filter(serving).all(|draft| {
        let Some(row) = draft.row else { return true };
        row.has_applied() && (!needs_code(draft) || row.has_staged(wanted))
    })
}

fn takes_code(board: &Board<'_>, role: &crate::world::Role) -> bool {
    board.spec().code.as_ref().is_some_and(|code| code.roles.contains(&role.name))
}

/// An instance has to have the code.
pub(super) fn needs_code(board: &Board<'_>, draft: &Draft<'_>) -> bool {
    draft.roles.iter().any(|role| takes_code(board, role))
}

/// What has been looked through on one instance need not be on every other, and most starts are of such code. That a result
/// has come in is no news for those who were told to look.
pub(super) fn check_once(board: &Board<'_>, draft: &Draft<'_>, config: &mut InstanceConfig) {
    let looked_through =
        |id: &CodeVersionId| board.world.versions.iter().any(|version| version.spec.id == *id && version.checked);
    if config.code.versions.iter().all(|version| looked_through(&version.id)) {
        let told = draft.row.and_then(|row| row.config.as_deref()).map(|told| &told.code);
        let as_told = told.filter(|code| code.versions == config.code.versions);
        config.code.check = as_told.map(|code| code.check.clone()).unwrap_or_default();
    }
}
