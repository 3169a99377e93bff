//! Code versions: fetched by digest, verified, unpacked beside each other, checked, removed.
//!
//! A version's folder appears by one rename after everything in it was verified, so a folder that exists is complete,
//! also after a restart on the same volume.

pub(crate) mod fetch;
mod unpack;

use crate::{
    host::Host,
    job::{self, Job},
};
use aerie_agent_protocol::{CheckReport, CodePlan, CodeVersionSpec, HookSpec};
use aerie_domain::CodeVersionId;
use fetch::CodeSource;
use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc, time::Duration};

/// How long a check of code may take. Larger: a check that hangs delays a version; smaller: big uploads fail it.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of a check's output that are reported; the protocol says so.
const KEPT_OUTPUT: usize = 4000;
/// Characters of a failed preparation's output that become part of the problem.
const KEPT_PREPARATION: usize = 1500;
/// Names of unfinished work begin with these.
const UNFINISHED: [&str; 2] = [".staging-", ".fetch-"];

/// Why a version is not staged; the message is for the report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    /// The director did not give it.
    #[error("the code cannot be fetched: {0}")]
    Fetch(String),
    /// It is not what was announced.
    #[error("the code that was fetched is not the version asked for ({0})")]
    Mismatch(&'static str),
    /// It holds what it must not.
    #[error("the code's archive is refused: {0}")]
    Refused(String),
    /// The file system refuses.
    #[error("the code cannot be stored: {0}")]
    Store(#[from] io::Error),
}

/// The versions in one folder.
pub(crate) struct Code {
    folder: PathBuf,
    source: Arc<dyn CodeSource>,
}

impl Code {
    /// Versions in `folder`, fetched from `source`. Clears away what an earlier agent did not finish.
    pub(crate) fn new(folder: PathBuf, source: Arc<dyn CodeSource>) -> Self {
        let code = Self { folder, source };
        code.clear_unfinished();
        code
    }

    fn clear_unfinished(&self) {
        for entry in self.entries() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if UNFINISHED.iter().any(|prefix| name.starts_with(prefix)) {
                let path = entry.path();
                let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            }
        }
    }

    fn entries(&self) -> Vec<fs::DirEntry> {
        // A folder that is not there holds nothing.
        fs::read_dir(&self.folder).map(|all| all.flatten().collect()).unwrap_or_default()
    }

    /// Whether a version is there.
    pub(crate) fn has(&self, id: CodeVersionId) -> bool {
        self.folder.join(id.to_string()).is_dir()
    }

    /// Fetches and verifies a version. May be dropped at any time: what came so far is cleared away next time.
    pub(crate) async fn fetch(&self, version: &CodeVersionSpec) -> Result<(), CodeError> {
        fs::create_dir_all(&self.folder)?;
        let archive = self.archive(version.id);
        let result = fetch::download(&*self.source, version, &archive).await;
        if result.is_err() {
            let _ = fs::remove_file(&archive);
        }
        result
    }

    /// Unpacks what was fetched. Not to be dropped: unpacking would go on beside the next attempt.
    pub(crate) async fn unpack(&self, version: &CodeVersionSpec) -> Result<(), CodeError> {
        let archive = self.archive(version.id);
        let staging = self.folder.join(format!(".staging-{}", version.id));
        let place = self.folder.join(version.id.to_string());
        let work = move || {
            let _ = fs::remove_dir_all(&staging);
            let result = unpack::unpack(&archive, &staging).and_then(|()| Ok(fs::rename(&staging, &place)?));
            if result.is_err() {
                let _ = fs::remove_dir_all(&staging);
            }
            let _ = fs::remove_file(&archive);
            result
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| CodeError::Refused(error.to_string()))?
    }

    /// Looks for mistakes in a staged version. Dropping the future ends the check.
    pub(crate) async fn check(
        &self,
        host: &Host,
        plan: &CodePlan,
        id: CodeVersionId,
        environment: &BTreeMap<String, String>,
    ) -> Option<CheckReport> {
        if plan.check.is_empty() {
            return None;
        }
        let mut command = plan.check.clone();
        command.push(self.folder.join(id.to_string()).display().to_string());
        let environment = host.environment(None, environment, &BTreeMap::new());
        let job =
            Job { command: &command, environment: &environment, timeout: CHECK_TIMEOUT, log: None, keep: KEPT_OUTPUT };
        let done = job::run(host, job).await;
        // An exit code says nothing to a student that the output does not say better; the other ends do.
        let output = if done.output.is_empty() && !done.ok { format!("the check {}", done.how) } else { done.output };
        Some(CheckReport { version: id, ok: done.ok, output })
    }

    /// Runs the script that a version needs before it can be used. The error is for the report. Dropping the future ends
    /// the script.
    pub(crate) async fn prepare(
        &self,
        host: &Host,
        script: &HookSpec,
        id: CodeVersionId,
        environment: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let mut command = script.command.clone();
        command.push(self.folder.join(id.to_string()).display().to_string());
        let environment = host.environment(Some(&script.role), environment, &BTreeMap::new());
        host.output.info(format!("running the script {} for code version {id}", script.name));
        let job = Job {
            command: &command,
            environment: &environment,
            timeout: Duration::from_secs(script.timeout_s.max(1).into()),
            log: Some((script.role.as_str(), &script.name)),
            keep: KEPT_PREPARATION,
        };
        let done = job::run(host, job).await;
        if done.ok {
            Ok(())
        } else {
            Err(format!("the script {} of this version of the code {}", script.name, done.message()))
        }
    }

    /// Removes versions that `plan` does not name and what is left of dropped transfers; gives the versions that were
    /// there. Not while something is fetched.
    pub(crate) fn remove_others(&self, plan: &CodePlan) -> Vec<CodeVersionId> {
        self.clear_unfinished();
        let mut removed = Vec::new();
        for entry in self.entries() {
            // Only folders that are named like versions are ours.
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<CodeVersionId>().ok()) else {
                continue;
            };
            if plan.versions.iter().all(|version| version.id != id) && fs::remove_dir_all(entry.path()).is_ok() {
                removed.push(id);
            }
        }
        removed
    }

    fn archive(&self, id: CodeVersionId) -> PathBuf {
        self.folder.join(format!(".fetch-{id}"))
    }
}

#[cfg(test)]
mod tests;
