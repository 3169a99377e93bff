//! From the press of a button to the task of an agent.

use super::{RenderContext, RenderError, engine::Engine};
use crate::{ActionSpec, Kind};
use aerie_agent_protocol::TaskSpec;
use aerie_domain::{ActionName, ActionRunId, LifeId, RoleName, views::ActionView};
use std::collections::BTreeMap;

/// What the press of a button adds to what a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionCall {
    /// Which press.
    pub id: ActionRunId,
    /// The agent's life that shall run it.
    pub life: LifeId,
    /// As which role.
    pub role: RoleName,
    /// What was typed in, complete.
    pub values: BTreeMap<String, String>,
}

impl Kind {
    /// The task that an instance gets for what is called so: an action, or a script for backups. Nothing when the kind has
    /// none of that name.
    pub fn task_called(
        &self,
        name: &ActionName,
        call: &ActionCall,
        context: &RenderContext,
    ) -> Option<Result<TaskSpec, RenderError>> {
        match self.spec.actions.iter().find(|action| action.name == *name) {
            Some(action) => Some(self.task(action, call, context)),
            None => self.backup_task(name, call, context),
        }
    }

    /// The task that an instance gets for an action. Values reach the script as variables and, where its command names them, as
    /// arguments of their own: there is no shell between.
    pub fn task(
        &self,
        action: &ActionSpec,
        call: &ActionCall,
        context: &RenderContext,
    ) -> Result<TaskSpec, RenderError> {
        let engine = Engine::with_values(self, context, &call.values);
        let process = self.spec.roles.iter().find(|role| role.name == call.role).map(|role| &role.process);
        let variable =
            |(name, value): (&String, &String)| (format!("ACTION_{}", name.to_ascii_uppercase()), value.clone());
        Ok(TaskSpec {
            id: call.id,
            life: call.life,
            name: action.name.clone(),
            role: call.role.clone(),
            command: engine.texts(&format!("actions.{}.command", action.name), &action.command)?,
            environment: call.values.iter().map(variable).collect(),
            timeout_s: action.timeout_s,
            stops: action.stops.clone(),
            stop_timeout_s: process.map_or(0, |process| process.stop_timeout_s),
            input: false,
            output: false,
        })
    }
}

impl ActionSpec {
    /// What pages and programs see of it.
    pub fn view(&self) -> ActionView {
        ActionView {
            name: self.name.clone(),
            title: self.title.clone(),
            help: self.help.clone(),
            roles: self.roles.iter().map(ToString::to_string).collect(),
            on: self.on,
            fields: self.fields.clone(),
            timeout_s: self.timeout_s,
        }
    }
}
