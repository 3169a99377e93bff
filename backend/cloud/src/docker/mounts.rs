//! Folders of the host in which mounters mount file systems, so that containers of users can have folders of these without
//! being privileged themselves.
//!
//! `/run/aerie/<installation>/mounts/<container of the mounter>/fs`: the engine shares the folder above `fs` with that container,
//! and what is mounted there appears on the host. The name is never used again, so a path leads to one file system or
//! nowhere: what the kernel has of a file system whose program has ended stays broken, and nobody gets it by mistake.
//!
//! Assumption: director and engine see the same `/run`, and the director may mount ([`may_mount`]). A director in a container can
//! do neither, unless somebody has given it both.

use super::{DockerCloud, client::checked_name};
use crate::{CloudError, CloudErrorKind};
use rustix::{
    io::Errno,
    mount::{MountPropagationFlags, UnmountFlags, mount_bind, mount_change, unmount},
};
use std::{
    fs,
    io::{Error, ErrorKind},
    path::{Component, Path, PathBuf},
    time::Duration,
};

/// Below a mounter's folder: where it mounts.
const FILE_SYSTEM: &str = "fs";

/// A broken file system can be there more than once: whoever repeats something may have mounted twice.
const MOST_MOUNTS: usize = 8;

/// So long after its folder a mounter can still be on its way: longer than the engine may take to make a container.
const ON_ITS_WAY: Duration = Duration::from_secs(600);

/// What mounting takes: `CAP_SYS_ADMIN`, as its number is in the kernel's header.
const TO_MOUNT: u32 = 21;

/// Whether this process may mount, and so can make mounters.
pub fn may_mount() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| has_what_mounting_takes(&status))
}

fn has_what_mounting_takes(status: &str) -> bool {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.is_some_and(|bits| u64::from_str_radix(bits.trim(), 16).is_ok_and(|bits| bits & (1 << TO_MOUNT) != 0))
}

fn folder(installation: &str) -> PathBuf {
    Path::new("/run/aerie").join(installation).join("mounts")
}

/// What a mounter gets of the host.
pub(super) fn of_mounter(installation: &str, container: &str) -> PathBuf {
    folder(installation).join(container)
}

/// Where a volume is that a mounter has mounted. Its name ends with its id.
pub(super) fn of_volume(installation: &str, carrier: &str, volume: &str) -> PathBuf {
    let id = volume.rsplit('-').next().unwrap_or(volume);
    of_mounter(installation, carrier).join(FILE_SYSTEM).join(id)
}

/// Whether a path is one of a mounter of this installation, or below one.
pub(super) fn is_inside(installation: &str, path: &str) -> bool {
    let path = Path::new(path);
    path.starts_with(folder(installation))
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

impl DockerCloud {
    /// The folder of a mounter that is about to be made; also the end of those that are there no more.
    pub(super) async fn prepare_mounts(&self, container: &str) -> Result<(), CloudError> {
        checked_name(container)?;
        let installation = &self.shared.settings.installation;
        let all = folder(installation);
        share(&all).map_err(|error| failure("sharing a folder for mounts", &error))?;
        for left in names_in(&all) {
            if is_old(&all.join(&left)) && self.engine().await?.inspect_any(&left).await?.is_none() {
                self.release_mounts(&left)?;
            }
        }
        let own = of_mounter(installation, container).join(FILE_SYSTEM);
        fs::create_dir_all(own).map_err(|error| failure("making a folder for mounts", &error))
    }

    /// Takes away what a mounter that is gone had mounted. Nothing, for other containers.
    pub(super) fn release_mounts(&self, container: &str) -> Result<(), CloudError> {
        let own = of_mounter(&self.shared.settings.installation, container);
        // a symbolic link or a file would not be ours
        if !fs::symlink_metadata(&own).is_ok_and(|found| found.is_dir()) {
            return Ok(());
        }
        let inner = own.join(FILE_SYSTEM);
        for _ in 0..MOST_MOUNTS {
            match unmount(&inner, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
                Ok(()) => {}
                Err(Errno::INVAL | Errno::NOENT) => break,
                Err(error) => return Err(failure("unmounting", &error.into())),
            }
        }
        // Notes of the mounter. Never anything below `fs`: if it were still mounted, that would be people's files.
        let notes = fs::read_dir(&own).into_iter().flatten().flatten().map(|entry| entry.path());
        let gone = notes.filter(|path| path.is_file()).try_for_each(fs::remove_file);
        is_gone(gone.and_then(|()| fs::remove_dir(&inner)))?;
        is_gone(fs::remove_dir(&own))
    }
}

fn is_gone(removed: Result<(), Error>) -> Result<(), CloudError> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failure("removing a folder for mounts", &error)),
        _ => Ok(()),
    }
}

fn is_old(folder: &Path) -> bool {
    let changed = fs::symlink_metadata(folder).and_then(|found| found.modified());
    changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ON_ITS_WAY))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Makes the folder one whose mounts others can have: by default that is so only where systemd has made all of them so.
fn share(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder)?;
    let of_folder = |line: &&str| line.split(' ').nth(4).is_some_and(|point| Path::new(point) == folder);
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let found = mounts.lines().rfind(of_folder);
    if found.is_none() {
        mount_bind(folder, folder)?;
    }
    if !found.is_some_and(|line| line.split(" - ").next().is_some_and(|fields| fields.contains(" shared:"))) {
        mount_change(folder, MountPropagationFlags::SHARED)?;
    }
    Ok(())
}

fn failure(what: &str, error: &Error) -> CloudError {
    CloudError::new(CloudErrorKind::Transient, format!("{what} on the host failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::has_what_mounting_takes;

    #[test]
    fn only_who_has_the_capability_may_mount() {
        let of = |bits: &str| has_what_mounting_takes(&format!("CapPrm:\t000001ffffffffff\nCapEff:\t{bits}\n"));
        assert!(of("000001ffffffffff") && of("0000000000200000"));
        // a user, and a container as docker-compose.yml makes it
        assert!(!of("0000000000000000") && !of("00000000a80435fb"));
        assert!(!of("nonsense") && !has_what_mounting_takes(""));
    }
}
