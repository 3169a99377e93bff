//! What everything that runs programs needs, in one handle.

use crate::{environment, load::Loads, output::Output, reap::Children, report::Board};
use aerie_domain::{InstanceId, RoleName};
use std::{collections::BTreeMap, path::PathBuf, process::Stdio};
use tokio::process::Command;

/// The instance as the agent's parts see it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Host {
    /// The instance.
    pub(crate) instance: InstanceId,
    /// Starts children.
    pub(crate) children: Children,
    /// Takes log lines.
    pub(crate) output: Output,
    /// Takes news for the report.
    pub(crate) board: Board,
    /// Counts what roles do.
    pub(crate) loads: Loads,
    /// The cgroup's folder.
    pub(crate) cgroup: PathBuf,
    /// Folder of the configuration files and sockets.
    pub(crate) run_folder: PathBuf,
}

impl Host {
    /// The environment for a program of `role`.
    pub(crate) fn environment(
        &self,
        role: Option<&RoleName>,
        configured: &BTreeMap<String, String>,
        own: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        environment::compose(self.instance, role, configured, own)
    }
}

/// A program that inherits nothing: no environment, no standard input; its outputs are pipes.
pub(crate) fn program(command: &[String], environment: &BTreeMap<String, String>) -> Option<Command> {
    let (program, arguments) = command.split_first()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(command)
}
