//! Buttons that people pressed, and steps of backups: which tasks an instance gets, and what came of them.
//!
//! A run is open on an instance until its agent tells of the end, or until nobody can: another life of the agent, a
//! container that has ended, an instance that goes. Tasks of open runs are part of the configuration; those of ended ones
//! leave it with the next change, which they are no reason for.

use super::board::{Board, Draft};
use crate::{
    step::{Plan, Step},
    world::{Instance, OpenAction, Seen, World},
};
use aerie_agent_protocol::{InstanceConfig, TaskProgress, TaskSpec};
use aerie_cloud::ContainerStatus;
use aerie_domain::{ServiceState, views::ActionState};
use aerie_kinds::{ActionCall, Kind, RenderContext};

/// What is new about an open run.
struct News {
    state: ActionState,
    code: Option<i32>,
    message: String,
}

impl News {
    fn lost(why: &str) -> Self {
        Self { state: ActionState::Lost, code: None, message: why.to_owned() }
    }

    fn step(self, open: &OpenAction) -> Step {
        let News { state, code, message } = self;
        Step::SetResult { run: open.run, instance: open.instance, state, code, message }
    }
}

/// Notes what agents tell of open runs.
pub(super) fn settle(board: &mut Board<'_>) {
    let world = board.world;
    let steps = world.actions.iter().filter_map(|open| Some(news(world, board.kind, open)?.step(open)));
    board.plan.steps.extend(steps);
}

/// The service goes down: nothing more is heard of what runs.
pub(super) fn end_all(world: &World, plan: &mut Plan) {
    let lost = |open: &OpenAction| News::lost("the service was stopped").step(open);
    plan.steps.extend(world.actions.iter().map(lost));
}

fn news(world: &World, kind: &Kind, open: &OpenAction) -> Option<News> {
    let Some(row) = world.instances.iter().find(|row| row.id == open.instance && row.wanted) else {
        return Some(News::lost("the instance was removed"));
    };
    if !kind.spec.has_task(&open.action) {
        return Some(News::lost("the kind of this service has no such action any more"));
    }
    if has_ended(row) {
        return Some(News::lost("the instance ended while it ran"));
    }
    let report = row.report.as_ref()?;
    if report.life.is_some_and(|life| life != open.life) {
        return Some(News::lost("the instance was started anew while it ran"));
    }
    let progress = &report.tasks.iter().find(|task| task.id == open.run)?.progress;
    match progress {
        TaskProgress::Running if open.state == ActionState::Running => None,
        TaskProgress::Running => Some(News { state: ActionState::Running, code: None, message: String::new() }),
        TaskProgress::Ended { code, message } => {
            Some(News { state: ActionState::Ended, code: *code, message: message.clone() })
        }
    }
}

fn has_ended(row: &Instance) -> bool {
    matches!(row.seen, Some(Seen { status: ContainerStatus::Exited { .. }, .. }))
}

/// The tasks of an instance: those of open runs. One that it has been told stays as it was told.
pub(super) fn tasks(board: &Board<'_>, draft: &Draft<'_>, context: &RenderContext) -> Result<Vec<TaskSpec>, String> {
    let told = draft.row.and_then(|row| row.config.as_deref()).map_or(&[][..], |config| config.tasks.as_slice());
    let goes_on = |open: &&OpenAction| {
        open.instance == draft.id && !news(board.world, board.kind, open).is_some_and(|news| news.state.is_final())
    };
    let task = |open: &OpenAction| {
        if let Some(task) = told.iter().find(|task| task.id == open.run) {
            return Some(Ok(task.clone()));
        }
        let call = ActionCall { id: open.run, life: open.life, role: open.role.clone(), values: open.values.clone() };
        let task = board.kind.task_called(&open.action, &call, context)?;
        Some(task.map_err(|error| error.to_string()))
    };
    board.world.actions.iter().filter(goes_on).filter_map(task).collect()
}

/// Whether an instance that was told `current` has nothing to be told of `rendered`: tasks that have ended may stay.
pub(super) fn says_nothing_new(rendered: &InstanceConfig, current: &InstanceConfig) -> bool {
    if rendered.tasks.is_empty() && current.tasks.is_empty() {
        return rendered == current;
    }
    let told = |task: &TaskSpec| current.tasks.iter().any(|other| other.id == task.id);
    rendered.tasks.iter().all(told) && differs_in_tasks(rendered, current)
}

/// Whether nothing else differs.
pub(super) fn differs_in_tasks(rendered: &InstanceConfig, current: &InstanceConfig) -> bool {
    let (tasks, generation) = (current.tasks.clone(), current.generation);
    InstanceConfig { tasks, generation, ..rendered.clone() } == *current
}

/// All that an agent still has to bring about are tasks: a service that runs goes on to count as such.
pub(super) fn only_tasks_are_missing(board: &Board<'_>, draft: &Draft<'_>) -> bool {
    let world = board.world;
    let Some((row, config)) = draft.row.and_then(|row| Some((row, row.config.as_ref()?))) else { return false };
    let lag = i64::from(!config.tasks.is_empty());
    world.service.status.state == ServiceState::Running
        && world.operation.is_none()
        && (draft.config.is_none() || draft.only_tasks)
        && row.report.as_ref().is_some_and(|report| report.applied_generation + lag >= row.config_generation)
}
