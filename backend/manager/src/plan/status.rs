//! How the service is, what those who wait are told, and when to look again.

use super::{
    actions::only_tasks_are_missing,
    board::{Age, Board, Draft, Trouble, Weight},
    notes::notes,
};
use crate::{
    explain,
    step::{Level, Step},
    world::{Image, Instance, Role, Status},
};
use aerie_domain::{RolePhase, ServiceState};
use time::Duration;

/// How long something may be unhealthy until it counts as failing. Shorter: slow starts look like errors; longer:
/// people wait for a reason.
const UNWELL: Duration = Duration::seconds(60);

/// How long a service may be in ERROR until requests are given up. The service itself goes on trying.
const GIVE_UP: Duration = Duration::seconds(120);

/// How long anything may take. Longer: people wait in vain for longer; shorter: a slow machine never gets done. The build of
/// an image has a limit of its own.
const AT_LAST: Duration = Duration::minutes(15);

/// How long a service waits for the entry to send visitors to it. Longer: a broken entry holds up every operation;
/// shorter: "done" may be said before the public address answers.
const ENTRY_PATIENCE: Duration = Duration::seconds(15);

/// How often to look whether the entry does: its report wakes its own manager, not this one. Longer: starts are slower.
const ENTRY_POLL: Duration = Duration::milliseconds(50);

/// How often when it has not done so within a second: then many services start, and looking is what keeps the machine busy.
const ENTRY_BUSY_POLL: Duration = Duration::milliseconds(250);

/// How long a service has to be well until earlier failures are forgiven.
const FORGIVE: Duration = Duration::seconds(60);

/// Adds the steps about the service itself.
pub(super) fn settle(board: &mut Board<'_>) {
    for index in 0..board.drafts.len() {
        examine(board, index);
    }
    let well = is_converged(board);
    let converged = well && entry_knows(board);
    if well && !converged {
        board.plan.wake(board.world.now + entry_poll(board));
    }
    let service = &board.world.service;
    let before = &service.status;
    let worst = worst(&board.troubles);
    let mut failures = board.failures;
    if converged && failures > 0 {
        let forgiven = service.state_since + FORGIVE;
        if before.state == ServiceState::Running && board.world.now >= forgiven {
            failures = 0;
        } else {
            board.plan.wake(forgiven.max(board.world.now + Duration::seconds(1)));
        }
    }
    let (state, reason) = state(board, converged, worst);
    let status = Status {
        reason,
        failures,
        observed_generation: if converged { service.generation } else { before.observed_generation },
        state,
    };
    if state != before.state {
        board.wake_entry |= board.spec().public.is_some();
        match state {
            ServiceState::Error => board.plan.say(Level::Error, status.reason.clone()),
            ServiceState::Running => board.plan.say(Level::Info, "Everything runs as it was asked for."),
            _ => board.plan.say(Level::Info, format!("The service is in state {state} now.")),
        }
    }
    if state == ServiceState::Running && !status.reason.is_empty() && status.reason != before.reason {
        board.plan.say(Level::Warn, status.reason.clone());
    }
    tell_waiters(board, converged, &status);
    if status != *before {
        board.plan.steps.push(Step::SetStatus(status));
    }
    board.plan.settled = converged;
    if !converged {
        // Reports and engine events wake us; this is for what they miss. Longer: a lost wake-up is felt.
        let pause = match board.world.queued {
            // A class in the queue must not keep the database busy with looking.
            Some(_) => Duration::seconds(3),
            None if state == ServiceState::Error => Duration::seconds(5),
            None => Duration::seconds(1),
        };
        board.plan.wake(board.world.now + pause);
    }
}

/// What an instance's agent says, as far as it is a reason for something.
fn examine(board: &mut Board<'_>, index: usize) {
    let draft = &board.drafts[index];
    let Some(row) = draft.row.filter(|_| draft.is_running()) else { return };
    let now = board.world.now;
    // A role is there before its container: building the image is no time in which it could have become well.
    let made = row.seen.as_ref().and_then(|seen| seen.created_at).map(|made| made.min(now));
    let since = |role: &Role| made.map_or(role.since, |made| role.since.max(made));
    let age = draft.roles.iter().map(|role| now - since(role)).min().unwrap_or(Duration::ZERO);
    let mut troubles = Vec::new();
    if row.is_silent(board.world) {
        let silent = row.silent_for(board.world);
        let weight = if silent > UNWELL { Weight::Failing } else { Weight::Waiting };
        troubles.push((weight, explain::agent_silent(row, silent.whole_seconds())));
    }
    if let Some(report) = &row.report {
        if !report.problem.is_empty() {
            let weight = if age > UNWELL && !draft.is_up_to_date() { Weight::Failing } else { Weight::Waiting };
            troubles.push((weight, explain::agent_problem(row, &report.problem)));
        }
        for process in report.processes.iter().filter(|process| !process.healthy) {
            let Some(role) = draft.roles.iter().find(|role| role.name == process.role) else { continue };
            let text = explain::unhealthy(row, process.role.as_str(), &process.message);
            match role.phase {
                RolePhase::Draining => {}
                _ if process.restarts >= 2 || now - since(role) > UNWELL && is_long_unwell(board, role.phase) => {
                    troubles.push((Weight::Failing, text));
                }
                RolePhase::Serving => troubles.push((Weight::Waiting, text)),
                // probes of a process that has just been started fail; that is nothing to talk about
                RolePhase::Starting if now - since(role) > Duration::seconds(10) => {
                    troubles.push((Weight::Waiting, text));
                }
                RolePhase::Starting => {}
            }
        }
    }
    board.troubles.extend(troubles.into_iter().map(|(weight, text)| Trouble { weight, text }));
}

fn is_long_unwell(board: &Board<'_>, phase: RolePhase) -> bool {
    let service = &board.world.service;
    phase == RolePhase::Starting
        || service.status.state != ServiceState::Running && board.world.now - service.state_since > UNWELL
}

fn worst(troubles: &[Trouble]) -> Option<(Weight, String)> {
    let mut worst: Option<&Trouble> = None;
    for trouble in troubles {
        if worst.is_none_or(|other| trouble.weight > other.weight) {
            worst = Some(trouble);
        }
    }
    worst.map(|trouble| (trouble.weight, trouble.text.clone()))
}

fn is_converged(board: &Board<'_>) -> bool {
    let service = &board.world.service;
    let well = |draft: &Draft<'_>| {
        draft.placed
            && draft.wanted
            && draft.age == Age::Current
            && draft.is_running()
            && (draft.is_up_to_date() || only_tasks_are_missing(board, draft))
            && draft.roles.iter().all(|role| role.phase == RolePhase::Serving)
    };
    board.troubles.is_empty()
        && board.waiting_placements == 0
        && board.world.instances.iter().all(|row| row.wanted)
        && board.drafts.iter().all(well)
        && (board.spec().code.is_none() || board.code.serving == service.active)
}

/// The entry sends visitors to everybody who serves the public role: only then does the public address answer, and
/// only then is a start or a scaling done. Not asked of a settled service: its entry was waited for already.
fn entry_knows(board: &Board<'_>) -> bool {
    let world = board.world;
    let settled = world.service.status.state == ServiceState::Running
        && world.service.status.observed_generation == world.service.generation;
    let Some(public) = board.spec().public.as_ref().filter(|_| !settled && world.entry.service.is_some()) else {
        return true;
    };
    board.drafts.iter().all(|draft| {
        draft.roles.iter().filter(|role| role.name == public.role).all(|role| {
            world.now - role.since > ENTRY_PATIENCE
                || draft.row.is_some_and(|row| super::draining::entry_names(&world.entry, row, world))
        })
    })
}

fn entry_poll(board: &Board<'_>) -> Duration {
    let newest = board.drafts.iter().flat_map(|draft| &draft.roles).map(|role| role.since).max();
    let is_new = newest.is_none_or(|since| board.world.now - since < Duration::SECOND);
    if is_new { ENTRY_POLL } else { ENTRY_BUSY_POLL }
}

fn state(board: &Board<'_>, converged: bool, worst: Option<(Weight, String)>) -> (ServiceState, String) {
    let before = &board.world.service.status;
    if converged {
        return (ServiceState::Running, notes(board));
    }
    if let Some((Weight::Failing | Weight::Hopeless, reason)) = &worst {
        return (ServiceState::Error, reason.clone());
    }
    if before.state == ServiceState::Error && board.failures >= 2 {
        // it keeps failing: a moment without trouble is not recovery
        return (ServiceState::Error, before.reason.clone());
    }
    let serves = board.drafts.iter().any(|d| d.roles.iter().any(|role| role.phase == RolePhase::Serving));
    let state = match before.state {
        ServiceState::Running | ServiceState::Adapting => ServiceState::Adapting,
        ServiceState::Error if serves => ServiceState::Adapting,
        _ => ServiceState::Prologue,
    };
    (state, worst.map_or_else(String::new, |(_, reason)| reason))
}

fn tell_waiters(board: &mut Board<'_>, converged: bool, status: &Status) {
    let Some(operation) = &board.world.operation else { return };
    let (now, generation) = (board.world.now, board.world.service.generation);
    if converged {
        board.plan.steps.push(Step::Finish(generation));
        return;
    }
    if status.state == ServiceState::Error {
        let hopeless = board.troubles.iter().any(|trouble| trouble.weight == Weight::Hopeless);
        let was_error = board.world.service.status.state == ServiceState::Error;
        let since = if was_error { board.world.service.state_since } else { now }.max(operation.created_at);
        if hopeless || now - since > GIVE_UP {
            board.plan.steps.push(Step::Fail { generation, error: status.reason.clone() });
            return;
        }
    }
    let progress = progress(board);
    let builds = matches!(board.world.image, Image::Building(_));
    if now - operation.created_at > AT_LAST && !builds {
        let error = explain::overdue(AT_LAST.whole_minutes(), &progress, &status.reason);
        board.plan.steps.push(Step::Fail { generation, error });
        return;
    }
    if progress != operation.progress {
        board.plan.steps.push(Step::Progress(progress));
    }
}

fn progress(board: &Board<'_>) -> String {
    if let Some(doing) = board.doing.first() {
        return doing.clone();
    }
    let placed = board.drafts.iter().filter(|draft| draft.placed && draft.wanted);
    let total = placed.clone().count() + board.waiting_placements;
    let healthy = placed.filter(|d| d.is_running() && d.roles.iter().all(|r| r.phase == RolePhase::Serving)).count();
    let draining = board.drafts.iter().filter(|d| d.wanted && d.roles.iter().any(|r| r.phase == RolePhase::Draining));
    let draining = draining.count();
    let given_up = board.drafts.iter().filter(|draft| !draft.wanted).count();
    let leaving = board.world.instances.iter().filter(|row| !row.wanted).count() + given_up;
    if healthy < total && draining == 0 {
        let progress = format!("instance {healthy} of {total} healthy");
        return match board.world.queued {
            Some(position) => format!("{progress}; the next one is {} in the queue", ordinal(position)),
            None => progress,
        };
    }
    if board.code.serving != board.world.service.active
        && let Some(text) = staging(board)
    {
        return text;
    }
    match (draining, leaving) {
        (0, 0) => {
            let told = board.drafts.iter().filter(|draft| draft.is_up_to_date() && draft.age == Age::Current).count();
            format!("{told} of {total} instances have the new configuration")
        }
        (0, leaving) => format!("removing {}", instances(leaving)),
        (draining, _) => format!("draining {}", instances(draining)),
    }
}

/// `1st`, `12th`.
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn instances(count: usize) -> String {
    if count == 1 { "1 instance".to_owned() } else { format!("{count} instances") }
}

fn staging(board: &Board<'_>) -> Option<String> {
    let active = board.world.service.active?;
    let number = board.world.versions.iter().find(|version| version.spec.id == active)?.number;
    let needing: Vec<&Instance> =
        board.drafts.iter().filter(|d| super::code::needs_code(board, d)).filter_map(|draft| draft.row).collect();
    let staged = needing.iter().filter(|row| row.has_staged(active)).count();
    Some(format!("staging version {number} on {staged} of {} instances", needing.len()))
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn places_are_told_as_people_say_them() {
        let told: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 112, 123].into_iter().map(ordinal).collect();
        assert_eq!(told, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "123rd"]);
    }
}
