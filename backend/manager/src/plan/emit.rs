//! From the board to steps: what differs from the rows, rows first, then the engine.

use super::board::{Board, Draft};
use crate::{
    step::{Plan, Step},
    world::{Instance, Seen, Work},
};
use aerie_agent_protocol::CheckReport;
use aerie_domain::{CodeVersionId, RolePhase};
use std::collections::BTreeSet;

/// The finished plan.
pub(super) fn into_plan(mut board: Board<'_>) -> Plan {
    let mut rows = Vec::new();
    rows.extend(board.code.flip.map(Step::Flip));
    rows.extend(kept_slots(&board).map(Step::KeepSlots));
    for draft in &board.drafts {
        write_draft(&board, draft, &mut rows);
    }
    for row in board.world.instances.iter().filter(|row| !row.wanted) {
        rows.extend(observed(row));
    }
    checks(&board, &mut rows);
    let (later, engine): (Vec<Step>, Vec<Step>) =
        std::mem::take(&mut board.plan.steps).into_iter().partition(Step::is_row);
    rows.extend(later);
    rows.extend(board.world.entry.service.filter(|_| board.wake_entry).map(Step::WakeEntry));
    rows.extend(board.wake_users.then_some(Step::WakeUsersOfCarried));
    let mut plan = board.plan;
    if rows.iter().any(|step| matches!(step, Step::Retire(_))) {
        // what waited for its place can go on
        plan.wake(board.world.now);
    }
    plan.steps = rows;
    plan.steps.extend(engine);
    plan
}

/// Slots whose volumes may have data that is nowhere else, if their number changes: those whose container is made or was
/// made, until they have handed over. Written together with what it is about.
fn kept_slots(board: &Board<'_>) -> Option<u32> {
    let role = board.spec().slotted().filter(|role| role.drain.is_some())?;
    let before = board.world.service.slots_kept;
    let is_made = |draft: &&Draft<'_>| {
        draft.row.is_some_and(|row| row.container.is_some())
            || draft.slot.is_some_and(|slot| slot < before)
            || board.plan.steps.iter().any(|step| matches!(step, Step::SetContainer { id, .. } if *id == draft.id))
    };
    let drafts = board.drafts.iter().filter(|draft| draft.phase(&role.name).is_some()).filter(is_made);
    let condemned = board.world.instances.iter().filter(|row| !row.wanted);
    // one that has handed over was left out when it was condemned; another one was only on its way to be replaced
    let has_data = |row: &&Instance| {
        row.roles.iter().any(|other| other.name == role.name) || row.slot.is_some_and(|slot| slot < before)
    };
    let condemned = condemned.filter(has_data);
    let highest = drafts.filter_map(|draft| draft.slot).chain(condemned.filter_map(|row| row.slot)).max();
    // wanted ones that wait for their predecessor's end are not among the drafts
    let wanted = before.min(board.slots_wanted());
    let kept = highest.map_or(0, |slot| slot + 1).max(wanted);
    (kept != before).then_some(kept)
}

fn write_draft(board: &Board<'_>, draft: &Draft<'_>, rows: &mut Vec<Step>) {
    let id = draft.id;
    if draft.row.is_none() {
        let (auxiliary, roles) = (draft.auxiliary, draft.roles.clone());
        rows.push(Step::Insert { id, auxiliary, roles, slot: draft.slot });
    }
    if let Some(config) = &draft.config {
        rows.push(Step::SetConfig { id, config: Box::new(config.as_ref().clone()) });
    }
    let Some(row) = draft.row else { return };
    if row.roles != draft.roles || !draft.wanted {
        rows.push(Step::SetRoles { id, roles: draft.roles.clone(), wanted: draft.wanted });
    }
    rows.extend(observed(row));
    if !row.metered && draft.wanted && draft.roles.iter().all(|role| role.phase == RolePhase::Serving) {
        let price = board.spec().size.price_per_hour.millis;
        rows.push(Step::Meter { id, price_millis: if draft.auxiliary { 0 } else { price } });
    }
}

/// What the engine shows, if the row says something else.
pub(super) fn observed(row: &Instance) -> Option<Step> {
    let status = Seen::words(row.seen.as_ref());
    if row.work == Work::Busy && status != "running" {
        // a moment within a change
        return None;
    }
    let address = match &row.seen {
        Some(seen) => seen.address.clone(),
        None => row.address.clone(),
    };
    (status != row.status || address != row.address).then_some(Step::SetObserved { id: row.id, address, status })
}

/// The first result that an agent reports of a version stays: others would say the same in other words.
fn checks(board: &Board<'_>, rows: &mut Vec<Step>) {
    let open: BTreeSet<CodeVersionId> =
        board.world.versions.iter().filter(|version| !version.checked).map(|version| version.spec.id).collect();
    if open.is_empty() {
        return;
    }
    let mut written = BTreeSet::new();
    let reports = board.world.instances.iter().filter_map(|row| row.report.as_ref());
    for CheckReport { version, ok, output } in reports.flat_map(|report| &report.checks) {
        if open.contains(version) && written.insert(*version) {
            rows.push(Step::SetCheck { version: *version, ok: *ok, output: output.clone() });
        }
    }
}
