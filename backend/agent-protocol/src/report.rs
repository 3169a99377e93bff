//! What an agent tells of its instance.

use aerie_domain::{ActionRunId, CodeVersionId, LifeId, RoleName, Times};
use serde::{Deserialize, Serialize};

/// The whole state of an instance as its agent sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceReport {
    /// Generation of the configuration that is applied: files written, code staged, init scripts done, processes
    /// started or reloaded, and every process healthy *with it* at least once. 0 before the first.
    pub applied_generation: i64,
    /// Generation that is being applied; equal to `applied_generation` when there is nothing to do.
    pub target_generation: i64,
    /// One entry per process of the target configuration.
    pub processes: Vec<ProcessReport>,
    /// Versions that are unpacked and verified.
    pub staged: Vec<CodeVersionId>,
    /// Results of code checks.
    pub checks: Vec<CheckReport>,
    /// What keeps the target from being applied, or a role from being drained, in words for a student; empty when nothing
    /// does.
    pub problem: String,
    /// Which life of the agent tells this. Agents of earlier releases do not tell, and run no tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<LifeId>,
    /// Tasks of the target that were started in this life.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskReport>,
    /// Roles whose drain script has succeeded.
    #[serde(default)]
    pub drained: Vec<RoleName>,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Which one.
    pub id: ActionRunId,
    /// How far it is.
    pub progress: TaskProgress,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskProgress {
    /// It runs.
    Running,
    /// It has ended, with everything that it left running.
    Ended {
        /// Exit code; none when a signal or a limit ended it, or when it could not be started.
        code: Option<i32>,
        /// How it ended, with its last words when that was not well.
        message: String,
    },
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessReport {
    /// Its role.
    pub role: RoleName,
    /// Its name.
    pub name: String,
    /// The last probes say it is healthy.
    pub healthy: bool,
    /// How often it was started again after ending by itself.
    pub restarts: u32,
    /// What went wrong last: probe answer, exit code, signal, failed check with its output. Empty when all is well.
    pub message: String,
    /// What it says of itself although it is healthy, in words for the owner, a line per note: what follows `note: ` in its
    /// answer to an HTTP probe, at most [`LONGEST_NOTE`](ProcessReport::LONGEST_NOTE) characters. Agents of earlier releases do not tell.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// How it ended by itself last, until it has been well for a while. Agents of earlier releases do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<ProcessEnd>,
}

impl ProcessReport {
    /// Characters of a note. More: a program with a lot to say fills the page of its service; fewer: the cause is cut off.
    pub const LONGEST_NOTE: usize = 500;
}

/// How a process ended by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEnd {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it, in words.
    pub signal: Option<String>,
    /// The kernel ended it because the instance used more memory than it may.
    pub out_of_memory: bool,
    /// The last lines that it wrote, oldest first: at most [`LAST_LINES`](ProcessEnd::LAST_LINES).
    pub lines: Vec<String>,
}

impl ProcessEnd {
    /// Lines that are told. More: larger reports; fewer: the cause is not among them.
    pub const LAST_LINES: usize = 50;
    /// Characters of them altogether. A report is sent every few seconds and has to fit into a frame.
    pub const LAST_CHARACTERS: usize = 8_000;
}

/// What the check of a staged version said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The version.
    pub version: CodeVersionId,
    /// Exit code 0.
    pub ok: bool,
    /// The last 4 000 characters of its output.
    pub output: String,
}

/// What the instance used since the last message, and what its roles did. Every 2 s, one message for all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time since the last message, thousandths of a core.
    pub cpu_millis: u32,
    /// Memory without page cache, bytes.
    pub memory_bytes: u64,
    /// What the instance may use of it at most, bytes; 0 when there is no limit.
    #[serde(default)]
    pub memory_limit_bytes: u64,
    /// The time that the message is about, milliseconds. 0 from agents that do not tell: 2 s.
    #[serde(default)]
    pub period_ms: u32,
    /// What went through the instance's network; absent for instances on the host's network, whose counters are the
    /// host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkUsage>,
    /// One entry per role that declares metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleUsage>,
    /// Figures that the kind's programs told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<FigureUsage>,
}

/// Bytes since the last message, over all interfaces but the loopback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkUsage {
    /// Bytes that came in.
    pub received_bytes: u64,
    /// Bytes that went out.
    pub sent_bytes: u64,
}

/// What a figure of a role is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureUsage {
    /// The role.
    pub role: RoleName,
    /// The figure.
    pub name: String,
    /// Thousandths of it.
    pub milli: u64,
}

/// What a role did since the last message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleUsage {
    /// The role.
    pub role: RoleName,
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, with a status from 400 to 499.
    pub client_errors: u64,
    /// Of these, with a status of 500 and above.
    pub errors: u64,
    /// Requests that wait for a free place now.
    pub queue: u32,
    /// Connections that are open now.
    pub sessions: u32,
    /// How long the requests took.
    #[serde(default)]
    pub times: Times,
}
