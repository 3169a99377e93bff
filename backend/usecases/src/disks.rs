//! Room on the disks that everything is written to: new things are refused while there is still enough for what runs.

use crate::{Outcome, UseCases};
use aerie_domain::{Problem, ProblemCode};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The folders on whose disks room is needed. Cheap to clone; clones share the list.
#[derive(Debug, Clone, Default)]
pub struct Disks {
    folders: Arc<Mutex<Vec<PathBuf>>>,
    reserve_bytes: u64,
}

impl Disks {
    /// Wants `reserve_bytes` free on the disk of each folder. Larger: things are refused earlier; smaller: logs,
    /// databases and sessions of what runs may find no room.
    pub fn new(reserve_bytes: u64, folder: impl Into<PathBuf>) -> Self {
        Self { folders: Arc::new(Mutex::new(vec![folder.into()])), reserve_bytes }
    }

    /// Another folder counts from now on.
    pub fn add(&self, folder: PathBuf) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }

    /// Whether `more` bytes can be written and the reserve is still there; if not, a sentence that says so.
    ///
    /// A folder that cannot be looked at, or is on no disk, says nothing: it may be made later, or be out of sight.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self, more: u64) -> Result<(), String> {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = self.reserve_bytes.saturating_add(more);
        let least = folders.iter().filter_map(|folder| free_bytes(folder).ok()).min();
        match least {
            Some(free) if free < needed => Err(format!(
                "The disk of this installation is nearly full: {} MiB are free, {} MiB are needed to begin something new.",
                free / MIB,
                needed.div_ceil(MIB)
            )),
            _ => Ok(()),
        }
    }
}

const MIB: u64 = 1024 * 1024;

impl UseCases {
    /// Refuses what would need room on the disks when there is hardly any left.
    pub(crate) fn require_room(&self, more: u64) -> Outcome<()> {
        self.settings().disks.check(more).map_err(|text| {
            let detail = format!("{text} What runs goes on. Please tell your administrator.");
            Problem::new(ProblemCode::Unavailable, detail).into()
        })
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    if stat.f_blocks == 0 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_disk_counts_and_folders_that_are_not_there_do_not() {
        let free = free_bytes(Path::new("/")).unwrap_or(0);
        let disks = Disks::new(free / 2, "/does/not/exist");
        assert_eq!(disks.check(0), Ok(()));
        disks.add("/".into());
        assert_eq!(disks.check(0), Ok(()));
        let text = disks.check(free).err().unwrap_or_default();
        assert!(text.contains("nearly full") && text.contains("MiB are free"), "{text}");
        disks.add("/proc".into());
        assert_eq!(disks.check(0), Ok(()), "no disk at all");
    }
}
