//! What goes wrong, in words that a student understands and can act on.

use crate::{execute::PassError, world::Instance};
use aerie_cloud::{CloudError, CloudErrorKind};

/// All networks are taken.
pub const NO_SUBNET: &str =
    "There is no free address range for this application's network. Ask whoever looks after this installation.";

/// Services that are used have to start first.
pub fn waits_for(names: &[String]) -> String {
    format!("waiting for {} to start", names.join(" and "))
}

/// Volumes lie with services that cannot be reached.
pub fn waits_for_volumes(services: &[String]) -> String {
    format!("waiting for {}, where volumes of it lie", services.join(" and "))
}

/// Services that use this one are stopped first.
pub fn waits_for_users(names: &[String]) -> String {
    format!("waiting for {} to stop first", names.join(" and "))
}

/// A container has ended although it should run.
pub fn container_ended(row: &Instance) -> String {
    use aerie_cloud::ContainerStatus::Exited;
    let how = match row.seen.as_ref().map(|seen| seen.status) {
        Some(Exited { out_of_memory: true, .. }) => "used more memory than it may and was ended".to_owned(),
        Some(Exited { code, .. }) => format!("ended by itself with code {code}{}", exit_code(code)),
        _ => "has disappeared".to_owned(),
    };
    let mut text = format!("The container of instance {} {how}; it is started again.", row.short);
    if !row.last_output.trim().is_empty() {
        text.push_str(" Its last output:\n");
        text.push_str(row.last_output.trim());
    }
    text
}

/// A container ended and was started again by the engine.
pub fn container_restarted(row: &Instance) -> String {
    format!("The container of instance {} ended and was started again by the engine; its roles start over.", row.short)
}

fn exit_code(code: i64) -> &'static str {
    match code {
        0 => " (no error, but it should have gone on)",
        126 => " (a program could not be started)",
        127 => " (a program was not found)",
        137 => " (killed)",
        139 => " (a crash: invalid memory access)",
        143 => " (asked to end)",
        _ => "",
    }
}

/// A container could not be made.
pub fn creation_failed(row: &Instance, reason: &str) -> String {
    format!("Instance {} could not be started: {reason}", row.short)
}

/// A container could not be removed.
pub fn removal_failed(row: &Instance, reason: &str) -> String {
    format!("Instance {} could not be removed: {reason}", row.short)
}

/// An image is on its way.
pub fn image_building(progress: &str) -> String {
    if progress.is_empty() { "preparing the image".to_owned() } else { format!("preparing the image ({progress})") }
}

/// An image could not be built.
pub fn image_failed(kind: &str, reason: &str) -> String {
    format!("The image for {kind} could not be prepared: {reason}")
}

/// A call to the engine failed.
pub fn cloud(error: &CloudError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    match error.kind {
        CloudErrorKind::Unreachable => {
            format!("The container engine does not answer. What runs goes on; changes have to wait. ({text})")
        }
        CloudErrorKind::Conflict => format!("Something else is in the way: {text}"),
        CloudErrorKind::InvalidSpec => format!("The container engine refuses this: {text}"),
        CloudErrorKind::NotFound | CloudErrorKind::Transient => text,
    }
}

/// A look at a service failed.
pub fn pass(error: &PassError) -> String {
    match error {
        PassError::Cloud(error) => cloud(error),
        PassError::Slow => {
            "The container engine or the database is so slow that nothing gets done. It is tried again; \
                            what runs goes on."
                .to_owned()
        }
        PassError::Io(error) => format!("The disk of this installation does not play along: {error}"),
        PassError::Store(_) => {
            "What is noted of this service cannot be read. Nothing is lost and what runs goes on, but \
                                whoever looks after this installation has to look at the director's log."
                .to_owned()
        }
    }
}

/// An operation was not done in time.
pub fn overdue(minutes: i64, progress: &str, reason: &str) -> String {
    let last = if progress.is_empty() { String::new() } else { format!(" The last that happened: {progress}.") };
    let obstacle = if reason.is_empty() { String::new() } else { format!(" What is in the way: {reason}") };
    format!("Not done within {minutes} minutes.{last}{obstacle} The service goes on trying; ask again, or stop it.")
}

/// An operation was not done in time, and nobody knows why: what has become of it follows.
pub const OVERDUE: &str =
    "Not done in time. The service goes on trying; its log says what happened. Ask again, or stop it.";

/// An agent does not say anything.
pub fn agent_silent(row: &Instance, seconds: i64) -> String {
    if row.report.is_none() {
        format!("Instance {} runs, but its agent has not connected for {seconds} s.", row.short)
    } else {
        format!("Nothing has been heard of instance {} for {seconds} s, although its container runs.", row.short)
    }
}

/// A process is not healthy.
pub fn unhealthy(row: &Instance, role: &str, message: &str) -> String {
    let message = if message.is_empty() { "its health check fails" } else { message };
    format!("{role} on instance {} is not healthy: {message}", row.short)
}

/// An agent cannot do what it shall.
pub fn agent_problem(row: &Instance, problem: &str) -> String {
    format!("Instance {}: {problem}", row.short)
}
