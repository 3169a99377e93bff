//! Named places at which a test has the director die, as a power cut would have it: `AERIE_CRASH_AT=<point>[:n]` kills the
//! process with SIGKILL when it passes the point for the n-th time (the first, unless told). `AERIE_FREEZE_AT=<point>[:n]` stops
//! it there with SIGSTOP, as a machine that sleeps; it goes on when somebody sends SIGCONT.
//!
//! Called by whichever room has such a place; calls nothing of ours. To add a point: a variant of [`Point`], its name in
//! [`Point::ALL`], and [`pass`] at the place. Guarantee: builds without debug assertions have no crash points at all, and
//! [`check`] refuses to start one that was told to crash.

use rustix::process::{Signal, getpid, kill_process};
use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// The variable that names the point where the process dies.
pub const VARIABLE: &str = "AERIE_CRASH_AT";

/// The variable that names the point where it stands still.
pub const FREEZE_VARIABLE: &str = "AERIE_FREEZE_AT";

/// A place where the director can be made to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A request was accepted: intent, operation and wake-up are committed, nobody was told.
    RequestAccepted,
    /// Rows of new instances are committed, no container was made.
    InstanceInserted,
    /// A container was made, it is not started.
    ContainerCreated,
    /// A container was started, its row does not say so.
    ContainerStarted,
    /// Roles drain, and those who use them have new configurations: committed.
    RoleDraining,
    /// Roles that drained were ended or their instance condemned: committed.
    RoleEnded,
    /// A condemned container has ended, its output is not kept yet.
    ContainerStopped,
    /// Half of the kept output is on the disk.
    KeptLogHalf,
    /// The output is kept, the container is still there.
    KeptLogWritten,
    /// A container was removed, its row is still there.
    ContainerRemoved,
    /// Another version was made the one that visitors get: committed.
    VersionFlipped,
    /// Instances were given new configurations: committed.
    ConfigWritten,
    /// A service's volumes were removed, its row is still there.
    VolumesRemoved,
    /// A line of an image's build has come.
    ImageBuilding,
    /// An upload has arrived as a temporary file.
    UploadReceived,
    /// An upload's files have their final names, there is no row.
    UploadKept,
    /// An upload's row is committed, nobody was told.
    UploadCommitted,
}

impl Point {
    /// Every point with its name.
    pub const ALL: &[(&str, Self)] = &[
        ("request-accepted", Self::RequestAccepted),
        ("instance-inserted", Self::InstanceInserted),
        ("container-created", Self::ContainerCreated),
        ("container-started", Self::ContainerStarted),
        ("role-draining", Self::RoleDraining),
        ("role-ended", Self::RoleEnded),
        ("container-stopped", Self::ContainerStopped),
        ("kept-log-half", Self::KeptLogHalf),
        ("kept-log-written", Self::KeptLogWritten),
        ("container-removed", Self::ContainerRemoved),
        ("version-flipped", Self::VersionFlipped),
        ("config-written", Self::ConfigWritten),
        ("volumes-removed", Self::VolumesRemoved),
        ("image-building", Self::ImageBuilding),
        ("upload-received", Self::UploadReceived),
        ("upload-kept", Self::UploadKept),
        ("upload-committed", Self::UploadCommitted),
    ];
}

/// The process was told to crash, but not in a way that it can follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrashPointError {
    /// This build cannot crash on purpose.
    #[error("{0} is set, but this build has no crash points: they are for tests with debug builds")]
    NotInThisBuild(&'static str),
    /// There is no such point.
    #[error("{variable} names no crash point: {given:?}; there are {}", names())]
    Unknown {
        /// Which variable.
        variable: &'static str,
        /// What it says.
        given: String,
    },
}

fn names() -> String {
    Point::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Where it happens, and at which pass from now; none is left when it has happened.
#[derive(Debug)]
struct Plan {
    point: Point,
    left: AtomicU32,
}

impl Plan {
    fn read(variable: &'static str, text: &str) -> Result<Self, CrashPointError> {
        let unknown = || CrashPointError::Unknown { variable, given: text.to_owned() };
        let (name, pass) = text.split_once(':').unwrap_or((text, "1"));
        let (_, point) = Point::ALL.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        let pass: u32 = pass.parse().ok().filter(|pass| *pass > 0).ok_or_else(unknown)?;
        Ok(Self { point: *point, left: AtomicU32::new(pass) })
    }

    /// This pass is the one.
    fn is_due(&self, point: Point) -> bool {
        self.point == point
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) == Ok(1)
    }
}

/// Read once per process: a crash happens once.
static PLAN: OnceLock<Plan> = OnceLock::new();

/// The same for standing still.
static FREEZE: OnceLock<Plan> = OnceLock::new();

/// Reads the variables. To be called before anything else is done.
///
/// # Errors
/// When one is set, but means nothing in this build.
pub fn check() -> Result<(), CrashPointError> {
    for (variable, place) in [(VARIABLE, &PLAN), (FREEZE_VARIABLE, &FREEZE)] {
        let Ok(text) = std::env::var(variable) else { continue };
        if !cfg!(debug_assertions) {
            return Err(CrashPointError::NotInThisBuild(variable));
        }
        // a second call finds the same plan there
        let _ = place.set(Plan::read(variable, &text)?);
    }
    Ok(())
}

/// The process is at this point. It does not come back if this is where it was told to die, and late if this is where it was
/// told to stand still.
pub fn pass(point: Point) {
    if !cfg!(debug_assertions) {
        return;
    }
    if is_due(point) {
        die();
    }
    if FREEZE.get().is_some_and(|plan| plan.is_due(point)) {
        send_myself(Signal::STOP);
    }
}

/// Whether the process will die at this point, now: for places that have to leave something half done before
/// they call [`die`].
pub fn is_due(point: Point) -> bool {
    cfg!(debug_assertions) && PLAN.get().is_some_and(|plan| plan.is_due(point))
}

/// Ends the process at once, as SIGKILL does: nothing is dropped, flushed or told.
pub fn die() {
    send_myself(Signal::KILL);
    loop {
        std::thread::park();
    }
}

fn send_myself(signal: Signal) {
    // Cannot fail: a process may always signal itself.
    let _ = kill_process(getpid(), signal);
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, point)| point == self).map_or("", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Option<Plan> {
        Plan::read(VARIABLE, text).ok()
    }

    #[test]
    fn the_nth_pass_is_the_one_and_no_later_one() {
        for (text, survived) in [("config-written", 0), ("config-written:1", 0), ("config-written:3", 2)] {
            let plan = plan(text);
            let passes: Vec<bool> = (0..=survived + 1)
                .map(|_| plan.as_ref().is_some_and(|plan| plan.is_due(Point::ConfigWritten)))
                .collect();
            let expected: Vec<bool> = (0..=survived + 1).map(|pass| pass == survived).collect();
            assert_eq!(passes, expected, "{text}");
        }
    }

    #[test]
    fn other_points_do_not_count() {
        let plan = plan("role-ended:2");
        let due = |point| plan.as_ref().is_some_and(|plan| plan.is_due(point));
        assert!(
            !due(Point::RoleEnded) && !due(Point::RoleDraining) && !due(Point::RoleDraining) && due(Point::RoleEnded)
        );
    }

    #[test]
    fn nonsense_is_refused_with_the_names_that_there_are() {
        for text in ["", "nowhere", "role-ended:", "role-ended:0", "role-ended:-1", "role-ended:x", "role-ended:1:1"] {
            let error = Plan::read(VARIABLE, text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("request-accepted, instance-inserted"), "{text}: {error}");
        }
    }

    #[test]
    fn every_point_has_its_own_name() {
        for (name, point) in Point::ALL {
            assert_eq!(point.to_string(), *name);
        }
    }
}
