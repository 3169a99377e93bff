//! The connection: one client, and a time limit around each call.

use super::{
    DockerSettings,
    errors::{cloud_error, timed_out},
    labels::Labels,
};
use crate::{CloudError, CloudErrorKind};
use bollard::{API_DEFAULT_VERSION, Docker, errors::Error};
use std::{future::Future, path::PathBuf, time::Duration};

/// How long an ordinary call may take. Larger: a stuck engine blocks a manager's run for longer; smaller: starts fail
/// on a machine that is busy with forty of them (5 s measured for forty at once).
pub(super) const CALL_LIMIT: Duration = Duration::from_mins(1);

/// How long opening a stream may take. Larger: a reader waits in vain; smaller: a busy engine looks dead.
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(20);

/// How long the first answer may take. Callers wait for it one after the other, so larger makes a dead engine slow to be
/// noticed by the last of them; smaller: a busy one is taken for dead.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The client's own limit for the head of an answer, above all limits of ours (a stop waits for its grace time).
const CLIENT_LIMIT_SECONDS: u64 = 3600;

/// An engine that has answered once.
pub(super) struct Engine {
    pub(super) docker: Docker,
    pub(super) labels: Labels,
}

impl Engine {
    pub(super) async fn connect(settings: &DockerSettings) -> Result<Self, CloudError> {
        let socket = settings.socket.to_string_lossy();
        let docker = Docker::connect_with_unix(&socket, CLIENT_LIMIT_SECONDS, API_DEFAULT_VERSION)
            .map_err(|error| cloud_error("connecting to the container engine", error))?;
        let negotiation = docker.negotiate_version();
        let docker = call_within(CONNECT_LIMIT, "asking for the engine's version", negotiation).await?;
        tracing::info!(engine.api_version = %docker.client_version(), "connected to the container engine");
        Ok(Self { docker, labels: Labels::new(&settings.installation) })
    }

    pub(super) async fn ping(&self) -> Result<(), CloudError> {
        call("asking whether the engine is there", self.docker.ping()).await.map(drop)
    }

    /// Where the engine keeps everything; it may be another machine's, or out of sight in a container.
    pub(super) async fn storage_folder(&self) -> Result<Option<PathBuf>, CloudError> {
        let info = call("asking where the engine keeps its data", self.docker.info()).await?;
        Ok(info.docker_root_dir.map(PathBuf::from).filter(|folder| folder.is_dir()))
    }

    /// A client whose streams give up when the engine does not even begin to answer.
    pub(super) fn for_streams(&self) -> Docker {
        self.docker.clone().with_timeout(OPEN_LIMIT)
    }
}

/// Awaits a call for at most [`CALL_LIMIT`].
pub(super) async fn call<T>(what: &str, call: impl Future<Output = Result<T, Error>>) -> Result<T, CloudError> {
    call_within(CALL_LIMIT, what, call).await
}

/// Awaits a call for at most `limit`.
pub(super) async fn call_within<T>(
    limit: Duration,
    what: &str,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, CloudError> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map_err(|error| cloud_error(what, error)),
        Err(_) => Err(timed_out(what, limit)),
    }
}

/// `Ok(None)` instead of "not found".
pub(super) fn optional<T>(result: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == CloudErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names become parts of request paths, so only what the engine itself allows in a name gets that far.
pub(super) fn checked_name(name: &str) -> Result<(), CloudError> {
    let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if valid {
        Ok(())
    } else {
        Err(CloudError::new(CloudErrorKind::InvalidSpec, format!("{name:?} cannot be a name in the container engine")))
    }
}

#[cfg(test)]
mod tests {
    use super::checked_name;

    #[test]
    fn names_cannot_leave_their_part_of_a_request_path() {
        assert!(checked_name("aerie-php_1.2").is_ok());
        for name in ["", "../networks/x", "a/b", "a?force=1", "-x", "a b", "ä"] {
            assert!(checked_name(name).is_err(), "{name:?}");
        }
    }
}
