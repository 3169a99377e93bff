//! The desired state of one instance.

use crate::MetricsSpec;
use aerie_domain::{ActionName, ActionRunId, CodeVersionId, InstanceId, LifeId, RoleName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything an agent has to bring about. Total: what is not in it must not be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceConfig {
    /// Counts configurations of this instance; a lower one is ignored.
    pub generation: i64,
    /// The instance it is for.
    pub instance: InstanceId,
    /// Files below [`RUN_FOLDER`](crate::RUN_FOLDER), already rendered.
    pub files: Vec<FileSpec>,
    /// Code versions that must be unpacked; others are removed.
    pub code: CodePlan,
    /// Processes that must run, in start order; stopped in reverse order.
    pub processes: Vec<ProcessSpec>,
    /// Scripts to run once before the first process starts.
    pub init: Vec<HookSpec>,
    /// Environment of every process and script (bindings, user variables), besides a small fixed set.
    pub environment: BTreeMap<String, String>,
    /// What people asked it to run. Each is started once, by the agent whose life it names, and killed when it is no longer
    /// here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskSpec>,
    /// Scripts of roles that are leaving for good: they hand over what only this instance has. Each is run beside the
    /// processes, again until it succeeds, for as long as it stands here.
    #[serde(default)]
    pub drain: Vec<HookSpec>,
}

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// Path relative to [`RUN_FOLDER`](crate::RUN_FOLDER); no `..`, no leading slash.
    pub path: String,
    /// Content.
    pub content: String,
    /// Permission bits, such as 0o640.
    pub mode: u32,
}

/// Which code versions an instance must have at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodePlan {
    /// To be fetched, verified and unpacked to `/code/<id>`.
    pub versions: Vec<CodeVersionSpec>,
    /// Program that looks for mistakes in freshly staged code; its arguments are followed by the folder. Empty: none.
    pub check: Vec<String>,
    /// Script that runs once per version before that counts as staged, in the version's folder, which is also its last
    /// argument; files are written before it runs. Repeated until it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepare: Option<HookSpec>,
}

/// One version to stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeVersionSpec {
    /// Names the folder.
    pub id: CodeVersionId,
    /// SHA-256 of the normalised archive (`.tar.zst`), hexadecimal: `GET /code/<digest>` at the agent listener.
    pub digest: String,
    /// Bytes of the normalised archive.
    pub size_bytes: u64,
}

/// One process to supervise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// The role it belongs to.
    pub role: RoleName,
    /// Unique in the instance; usually the role's name.
    pub name: String,
    /// Program and arguments. No shell.
    pub command: Vec<String>,
    /// Its own environment, on top of the configuration's.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files (paths as in [`FileSpec`]) whose change calls for `reload`.
    #[serde(default)]
    pub files: Vec<String>,
    /// Run before the running process is reloaded or replaced; if it fails, that is left alone and the output is reported.
    #[serde(default)]
    pub check: Vec<String>,
    /// What a changed file calls for.
    pub reload: ReloadMethod,
    /// Signal that asks it to end (`TERM`, `QUIT` …).
    pub stop_signal: String,
    /// Seconds from the stop signal to KILL.
    pub stop_timeout_s: u32,
    /// How to tell that it is healthy.
    pub health: HealthProbe,
    /// How its standard output and error are called in logs.
    #[serde(default)]
    pub streams: StreamNames,
    /// Where figures about its work come from. Taken up when the process starts.
    #[serde(default)]
    pub metrics: MetricsSpec,
}

/// How a process takes changed files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadMethod {
    /// By a signal.
    Signal(String),
    /// By a program that speaks with the running process; where it fails, by the signal. For changes that take effect
    /// without a reload. The files are new when it starts; it may be run again at any time.
    Exec {
        /// Program and arguments. No shell.
        command: Vec<String>,
        /// The signal.
        signal: String,
    },
    /// By being stopped and started.
    Restart,
    /// It reads them itself.
    None,
}

/// How to tell that a process is healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthProbe {
    /// What to try.
    pub kind: ProbeKind,
    /// Milliseconds between probes once healthy (while starting, probes come every 50 ms).
    pub interval_ms: u32,
    /// Milliseconds one probe may take.
    pub timeout_ms: u32,
    /// Failed probes in a row until healthy becomes unhealthy.
    pub failures: u32,
}

/// What a probe tries, always against 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ProbeKind {
    /// The process runs.
    Alive,
    /// A connection is accepted.
    Tcp {
        /// Port.
        port: u16,
    },
    /// A GET answers with a status below 400 …
    Http {
        /// Port.
        port: u16,
        /// Path.
        path: String,
        /// … and, unless empty, with a body that contains this. With the configuration's generation in it, healthy
        /// means "has loaded this very configuration".
        #[serde(default)]
        expect: String,
    },
    /// A program ends with 0.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
    },
}

/// How the two output streams of a process are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamNames {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Default for StreamNames {
    fn default() -> Self {
        Self { out: "out".to_owned(), err: "err".to_owned() }
    }
}

/// A script to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookSpec {
    /// Name in logs and reports (`init`).
    pub name: String,
    /// The role it belongs to.
    pub role: RoleName,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Seconds it may take.
    pub timeout_s: u32,
}

/// A script that somebody asked for by a button: it runs once and ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Which press of the button.
    pub id: ActionRunId,
    /// The agent's life in which it was asked for: a later one does not start it, since an earlier one may have.
    pub life: LifeId,
    /// The action: also the stream of its lines.
    pub name: ActionName,
    /// The role it belongs to.
    pub role: RoleName,
    /// Program and arguments. No shell.
    pub command: Vec<String>,
    /// Its own environment, on top of the configuration's.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Seconds until it is killed; 0: never.
    #[serde(default)]
    pub timeout_s: u32,
    /// Actions whose tasks get TERM once this one has ended, and KILL at once when they were asked to end before.
    #[serde(default)]
    pub stops: Vec<ActionName>,
    /// Seconds from TERM to KILL when the instance ends.
    pub stop_timeout_s: u32,
    /// Its standard input is `GET /tasks/<id>/input` of the agent listener. Whole or not at all: it is killed before it sees
    /// the end of one that broke off.
    #[serde(default, skip_serializing_if = "is_false")]
    pub input: bool,
    /// Its standard output goes to `PUT /tasks/<id>/output` of the agent listener instead of the log, and its end is told only
    /// when that has been kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub output: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !*value
}
