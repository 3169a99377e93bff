//! From a step of a backup to the task of an agent.

use super::{ActionCall, RenderContext, RenderError, engine::Engine};
use crate::{Kind, KindSpec};
use aerie_agent_protocol::TaskSpec;
use aerie_domain::{ActionName, BackupScript};

impl KindSpec {
    /// There may be tasks for instances of this kind.
    pub fn has_tasks(&self) -> bool {
        !self.actions.is_empty() || self.backup.is_some()
    }

    /// There is an action, or a script for backups, of this name.
    pub fn has_task(&self, name: &ActionName) -> bool {
        self.actions.iter().any(|action| action.name == *name) || (self.backup.is_some() && script(name).is_some())
    }
}

fn script(name: &ActionName) -> Option<BackupScript> {
    BackupScript::ALL.iter().copied().find(|script| script.action() == name.as_str())
}

impl Kind {
    /// The task for a script that makes, checks or puts back a backup.
    pub(super) fn backup_task(
        &self,
        name: &ActionName,
        call: &ActionCall,
        context: &RenderContext,
    ) -> Option<Result<TaskSpec, RenderError>> {
        let (backup, which) = (self.spec.backup.as_ref()?, script(name)?);
        let spec = backup.script(which);
        let process = self.spec.roles.iter().find(|role| role.name == call.role).map(|role| &role.process);
        let engine = Engine::new(self, context);
        let task = engine.texts(&format!("{}.command", which.key()), &spec.command);
        Some(task.map(|command| TaskSpec {
            id: call.id,
            life: call.life,
            name: name.clone(),
            role: call.role.clone(),
            command,
            environment: [].into(),
            timeout_s: spec.timeout_s,
            stops: Vec::new(),
            stop_timeout_s: process.map_or(0, |process| process.stop_timeout_s),
            input: which != BackupScript::Dump,
            output: which == BackupScript::Dump,
        }))
    }
}
