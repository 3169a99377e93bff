//! From the world to what has to be done: pure, total, without I/O. Execution makes no choices.
//!
//! Called by the driver's passes and by nothing else; calls only `aerie-kinds` (placement, rendering). To add a rule: a
//! test in `tests`, then the module whose question it answers.
//!
//! # Rules
//! * **Placement** (`matching`): `aerie_kinds::place` says which instances there shall be. Instances keep their place:
//!   equal role sets first, then the greatest overlap; among equals serving ones, then older ones. An instance never
//!   gains or loses a role with a volume, or the first role, to which the service's name leads: its container was made
//!   for these.
//! * **Make before break** (`roles`, `leaving`): a role that is not in its instance's placement is drained only while as
//!   many others serve it as are wanted; an instance without a place leaves as a whole. A role with a volume or on the
//!   host's network is the exception: two must never write to one volume or want one port, so its successor waits until
//!   it is gone.
//! * **Slots** (`matching`, `leaving`): where each instance of a role has a volume, the wanted slots are those from 0 up
//!   to the count, so that data stays where it is. A row holds its slot until its container is gone. A slot that is not
//!   wanted leaves when all wanted ones serve; one that moves to another instance, only while the others serve. Where
//!   they are no cluster (`independent`), nobody waits for others.
//! * **Replacing** (`replacing`): an instance that was made from, or whose processes were started with, something else than
//!   is wanted now is replaced, one per role at a time and only while all others serve: by make-before-break, or, if it
//!   has a volume of its own, in its slot. Until then its processes stay as they are, whatever else changes around them.
//!   Processes of instances that cannot be doubled are started anew where they are, one instance after the other.
//! * **Starting → serving** (`serving`): the agent has applied the current configuration, the role's process is
//!   healthy, the version that visitors get is staged, and every role that it uses has somebody who serves. Roles of
//!   one instance become ready together.
//! * **Members** (`configs`): others are told of roles that serve, do not drain and whose container runs. An unhealthy
//!   member stays listed (proxies check health themselves), a dead one is dropped at once. A member that is the
//!   configured instance itself is 127.0.0.1; while nothing on it that uses the role serves, it is listed to itself
//!   early, so that a packed instance needs one configuration to become ready, not one per role.
//! * **Draining** (`draining`): its process goes on until all who use the role (and the entry, for the public role)
//!   have applied a configuration without it and the deadline in the row has passed; half a minute after the deadline
//!   it ends in any case, so that a dead agent cannot hold it up. A slot that is given up and has a drain script ends only
//!   when that has succeeded: there is nobody else who has its data.
//! * **Code** (`code`): the versions served now, wanted and served before are staged. The wanted one is served from the
//!   moment that all instances which serve a code role have it. One flip at a time.
//! * **Containers** (`containers`): a wanted instance has a running container. One that ended by itself is started
//!   again at once, then with growing waits; its roles start over. One whose agent is silent for a minute is replaced.
//! * **Actions** (`actions`): tasks of open runs are part of the configuration; what agents tell of them, or cannot tell any
//!   more, ends the runs. Tasks alone do not make a service ADAPTING.
//! * **Stop, delete** (`teardown`): works from every state. The entry is told first, then containers go,
//!   those of a cluster one after the other, slot 0 last: what was written last is there, however many are wanted at the
//!   next start. Volumes stay until the service is deleted.
//! * **Status** (`status`): INIT → PROLOGUE → RUNNING ↔ ADAPTING; EPILOGUE → STOPPED; ERROR when something keeps
//!   failing, left by itself. RUNNING means converged, and then `observed_generation` is the intent's generation.

mod actions;
mod board;
mod code;
mod configs;
mod containers;
mod draining;
mod emit;
mod leaving;
mod matching;
mod notes;
mod replacing;
mod roles;
mod serving;
mod status;
mod teardown;

#[cfg(test)]
mod tests;

use crate::{
    step::{Level, Plan, Step},
    world::{Status, World},
};
use aerie_agent_protocol::InstanceConfig;
use aerie_domain::{DesiredState, ServiceState};
use aerie_kinds::{Kind, RenderContext, RenderError, Starts};
use board::Board;
use time::Duration;

/// Turns a context into a configuration (generation 0). Pure.
pub trait Render: Sync {
    /// The configuration of one instance, or why there is none.
    fn render(&self, kind: &Kind, context: &RenderContext) -> Result<InstanceConfig, String>;

    /// What its processes are started with.
    fn starts(&self, kind: &Kind, context: &RenderContext) -> Result<Starts, String> {
        self.render(kind, context).map(|config| Starts::from(&config))
    }
}

/// Renders the kind's own files.
pub struct KindFiles;

impl Render for KindFiles {
    fn render(&self, kind: &Kind, context: &RenderContext) -> Result<InstanceConfig, String> {
        kind.render(context).map_err(|error| in_words(&error))
    }

    fn starts(&self, kind: &Kind, context: &RenderContext) -> Result<Starts, String> {
        kind.starts(context).map_err(|error| in_words(&error))
    }
}

fn in_words(error: &RenderError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What has to be done now.
pub fn plan(world: &World, render: &dyn Render) -> Plan {
    match (world.service.desired, world.kind.as_deref()) {
        (DesiredState::Running, Some(kind)) => converge(world, kind, render),
        (DesiredState::Running, None) => without_kind(world),
        (DesiredState::Stopped | DesiredState::Deleted, kind) => teardown::plan(world, kind),
    }
}

fn converge(world: &World, kind: &Kind, render: &dyn Render) -> Plan {
    let mut board = Board::new(world, kind);
    containers::notice_ends(&mut board);
    replacing::tell_age(&mut board, render);
    let mut matching = matching::match_instances(&board);
    replacing::choose(&mut board, &mut matching);
    roles::assign(&mut board, &matching);
    code::settle(&mut board);
    actions::settle(&mut board);
    configs::render_all(&mut board, render);
    if serving::promote(&mut board) | draining::finish(&mut board) {
        configs::render_all(&mut board, render);
    }
    containers::bring_about(&mut board);
    status::settle(&mut board);
    emit::into_plan(board)
}

/// Nothing can be done but say so.
fn without_kind(world: &World) -> Plan {
    let mut plan = Plan::default();
    let status = Status {
        state: ServiceState::Error,
        reason: "The kind of this service is not installed any more. Ask whoever looks after this installation."
            .to_owned(),
        ..world.service.status.clone()
    };
    if world.operation.is_some() {
        plan.steps.push(Step::Fail { generation: world.service.generation, error: status.reason.clone() });
    }
    if status != world.service.status {
        plan.say(Level::Error, status.reason.clone());
        plan.steps.push(Step::SetStatus(status));
    }
    plan.wake(world.now + Duration::seconds(60));
    plan
}
