//! Which director process was here before, so that its successor need not wait until the leases of a dead one are over.
//!
//! A file per host and agent port in the data directory holds the id of the process that has it locked. The kernel gives
//! the lock back when that process is dead, however it died, and not before: whoever gets the lock knows that nobody acts
//! under the id in the file any more.

use crate::{config::Options, errors::chain};
use aerie_domain::DirectorId;
use aerie_store::{Store, StoreError};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// A process' place; given back when it is dropped.
pub(super) struct Seat {
    _locked: File,
}

impl Seat {
    /// Takes the place of this host and port and ends what a dead predecessor held. Without a place everything works
    /// as well, fifteen seconds later.
    pub(super) async fn take(store: &Store, options: &Options, director: DirectorId) -> Option<Self> {
        let path = path(&options.data_dir, options.agent_port);
        let (mut file, before) = match sit_down(&path) {
            Ok(Some(taken)) => taken,
            Ok(None) => {
                tracing::warn!(file = %path.display(), "another director has this place; its leases are waited for");
                return None;
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "this director has no place; leases are waited for");
                return None;
            }
        };
        if let Some(before) = before
            && let Err(error) = succeed(store, before).await
        {
            tracing::warn!(
                error = chain(&error),
                "what the director before held was not given back; it ends by itself"
            );
        }
        if let Err(error) = write(&mut file, director) {
            tracing::warn!(file = %path.display(), %error, "the place does not name this director");
        }
        Some(Self { _locked: file })
    }
}

fn path(data_dir: &Path, agent_port: u16) -> PathBuf {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).collect();
    data_dir.join("directors").join(format!("{host}-{agent_port}"))
}

/// The locked file, and the id in it; nothing when somebody else has it.
fn sit_down(path: &Path) -> io::Result<Option<(File, Option<DirectorId>)>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some((file, text.trim().parse().ok())))
}

async fn succeed(store: &Store, before: DirectorId) -> Result<(), StoreError> {
    store.leases_release_all(before).await?;
    store.director_remove(before).await
}

fn write(file: &mut File, director: DirectorId) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    writeln!(file, "{director}")?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_by_one_and_names_who_had_it_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), 7701);
        let first = DirectorId::generate();
        let (mut file, before) = sit_down(&path).unwrap().unwrap();
        assert_eq!(before, None);
        write(&mut file, first).unwrap();
        assert!(sit_down(&path).unwrap().is_none(), "as long as it is open");
        drop(file);
        assert_eq!(sit_down(&path).unwrap().unwrap().1, Some(first));
    }

    #[test]
    fn nonsense_in_the_file_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), 7701);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        assert_eq!(sit_down(&path).unwrap().unwrap().1, None);
    }
}
