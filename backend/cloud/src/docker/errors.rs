//! What the engine's failures mean for the caller.

use crate::{CloudError, CloudErrorKind};
use bollard::errors::Error;
use std::time::Duration;

/// Parts of messages of answers whose status says less than the text.
const CONFLICT_TEXTS: &[&str] =
    &["already in use", "already allocated", "overlaps", "active endpoints", "already exists", "is in use"];

/// Maps a failure. The engine's own words are part of the message: they name the cause better than we could.
pub(super) fn cloud_error(what: &str, error: Error) -> CloudError {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            CloudError::new(kind_of(status_code, &message), format!("{what}: {}", one_line(&message)))
        }
        Error::SocketNotFoundError(_)
        | Error::HyperLegacyError { .. }
        | Error::HyperResponseError { .. }
        | Error::IOError { .. }
        | Error::RequestTimeoutError => CloudError::caused_by(
            CloudErrorKind::Unreachable,
            format!("{what}: the container engine does not answer"),
            error,
        ),
        other => CloudError::caused_by(CloudErrorKind::Transient, format!("{what} failed"), other),
    }
}

/// A call that took longer than it may.
pub(super) fn timed_out(what: &str, limit: Duration) -> CloudError {
    let message = format!("{what}: no answer from the container engine within {} s", limit.as_secs());
    CloudError::new(CloudErrorKind::Unreachable, message)
}

fn kind_of(status: u16, message: &str) -> CloudErrorKind {
    if CONFLICT_TEXTS.iter().any(|text| message.contains(text)) {
        return CloudErrorKind::Conflict;
    }
    match status {
        404 => CloudErrorKind::NotFound,
        403 | 409 => CloudErrorKind::Conflict,
        400 => CloudErrorKind::InvalidSpec,
        _ => CloudErrorKind::Transient,
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_follows_status_and_text() {
        let kind = |status_code, message: &str| {
            cloud_error("x", Error::DockerResponseServerError { status_code, message: message.into() }).kind
        };
        assert_eq!(kind(404, "No such image: a"), CloudErrorKind::NotFound);
        assert_eq!(kind(409, "removal of container x is already in progress"), CloudErrorKind::Conflict);
        assert_eq!(kind(403, "error while removing network: has active endpoints"), CloudErrorKind::Conflict);
        assert_eq!(kind(403, "Pool overlaps with other one on this address space"), CloudErrorKind::Conflict);
        assert_eq!(kind(500, "Address already in use"), CloudErrorKind::Conflict);
        assert_eq!(kind(400, "invalid CPU quota"), CloudErrorKind::InvalidSpec);
        assert_eq!(kind(500, "something broke"), CloudErrorKind::Transient);
        assert_eq!(cloud_error("x", Error::RequestTimeoutError).kind, CloudErrorKind::Unreachable);
    }

    #[test]
    fn messages_are_one_line() {
        let error = Error::DockerResponseServerError { status_code: 500, message: "a\n  b".into() };
        assert_eq!(cloud_error("starting x", error).message, "starting x: a b");
    }
}
