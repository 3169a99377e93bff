//! Configuration files: written whole or not at all, only below the run folder.

use aerie_agent_protocol::FileSpec;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

/// Why a file was not written; the message is for the report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// Leads elsewhere.
    #[error("the configuration file {0:?} is not below the agent's folder")]
    Path(String),
    /// The file system refuses.
    #[error("the configuration file {0} cannot be written: {1}")]
    Write(String, #[source] io::Error),
}

/// Files below one folder, and which of them were written by us.
pub(crate) struct Files {
    folder: PathBuf,
    written: BTreeSet<PathBuf>,
}

impl Files {
    /// Files below `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, written: BTreeSet::new() }
    }

    /// Writes what differs from what is there. They are few and small and in memory, so this does not wait.
    pub(crate) fn write(&mut self, files: &[FileSpec]) -> Result<(), FileError> {
        // All paths first: a configuration that is wrong somewhere changes nothing.
        let paths = files.iter().map(|file| self.place(&file.path)).collect::<Result<Vec<_>, _>>()?;
        for (file, path) in files.iter().zip(paths) {
            put(&path, file).map_err(|error| FileError::Write(file.path.clone(), error))?;
            self.written.insert(path);
        }
        Ok(())
    }

    /// Removes what was written for an earlier configuration and is not among `files`.
    pub(crate) fn remove_others(&mut self, files: &[FileSpec]) {
        let wanted: BTreeSet<_> = files.iter().filter_map(|file| self.place(&file.path).ok()).collect();
        self.written.retain(|path| {
            // What cannot be removed stays listed and is tried again next time.
            wanted.contains(path) || fs::remove_file(path).is_err_and(|error| error.kind() != io::ErrorKind::NotFound)
        });
    }

    fn place(&self, path: &str) -> Result<PathBuf, FileError> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || path.ends_with('/') || path.contains('\0') || !plain {
            return Err(FileError::Path(path.to_owned()));
        }
        Ok(self.folder.join(path))
    }
}

/// Writes beside the place and renames, so that nobody ever reads half a file.
fn put(path: &Path, file: &FileSpec) -> io::Result<()> {
    let mode = file.mode & 0o777;
    if let (Ok(content), Ok(meta)) = (fs::read(path), fs::symlink_metadata(path))
        && content == file.content.as_bytes()
        && meta.is_file()
        && meta.permissions().mode() & 0o777 == mode
    {
        return Ok(());
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    fs::create_dir_all(folder)?;
    let fresh = folder.join(format!(".{}.aerie-new", name.to_string_lossy()));
    // Left over from an agent that was killed; `create_new` also refuses to follow a link put there.
    let _ = fs::remove_file(&fresh);
    let mut handle = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    handle.write_all(file.content.as_bytes())?;
    // Set rather than given at creation, where the umask would take bits away.
    handle.set_permissions(Permissions::from_mode(mode))?;
    drop(handle);
    fs::rename(&fresh, path)
}

/// Stands for the content of those `files` that a process names in `paths`: equal exactly if they are.
pub(crate) fn digest(files: &[FileSpec], paths: &[String]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(path.len().to_le_bytes());
        hash.update(path);
        if let Some(file) = files.iter().find(|file| file.path == *path) {
            hash.update(file.content.len().to_le_bytes());
            hash.update(&file.content);
            hash.update(file.mode.to_le_bytes());
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str, mode: u32) -> FileSpec {
        FileSpec { path: path.to_owned(), content: content.to_owned(), mode }
    }

    #[test]
    fn files_have_content_and_mode_and_others_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::new(folder.path().to_owned());
        files.write(&[file("a.conf", "1", 0o640), file("sub/run.sh", "2", 0o4755)]).unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("a.conf"), mode("sub/run.sh")), (0o640, 0o755));
        let next = [file("a.conf", "3", 0o600)];
        files.write(&next).unwrap();
        fs::write(folder.path().join("socket"), "").unwrap();
        assert!(folder.path().join("sub/run.sh").exists(), "removed only when asked");
        files.remove_others(&next);
        assert!(!folder.path().join("sub/run.sh").exists());
        assert!(folder.path().join("socket").exists(), "not ours");
        assert_eq!(fs::read_to_string(folder.path().join("a.conf")).unwrap(), "3");
        assert_eq!(mode("a.conf"), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no temporary file stays");
    }

    #[test]
    fn an_unchanged_file_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::new(folder.path().to_owned());
        let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(folder.path().join("a")).unwrap());
        files.write(&[file("a", "1", 0o640)]).unwrap();
        let before = inode();
        files.write(&[file("a", "1", 0o640)]).unwrap();
        assert_eq!(inode(), before);
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::new(folder.path().join("run"));
        for path in ["", "/etc/passwd", "../x", "a/../../x", "./a", "a/", "a\0b", ".."] {
            let all = [file("fine", "1", 0o640), file(path, "1", 0o640)];
            assert!(matches!(files.write(&all), Err(FileError::Path(_))), "{path:?}");
        }
        assert!(!folder.path().join("run").exists(), "nothing is written at all");
    }

    #[test]
    fn a_link_is_replaced_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "old").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("a")).unwrap();
        Files::new(folder.path().to_owned()).write(&[file("a", "new", 0o640)]).unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "old");
    }

    #[test]
    fn digests_follow_content_and_mode_of_the_named_files() {
        let paths = ["a".to_owned()];
        let one = digest(&[file("a", "1", 0o640), file("b", "1", 0o640)], &paths);
        assert_eq!(one, digest(&[file("b", "2", 0o640), file("a", "1", 0o640)], &paths));
        assert_ne!(one, digest(&[file("a", "2", 0o640)], &paths));
        assert_ne!(one, digest(&[file("a", "1", 0o600)], &paths));
        assert_ne!(one, digest(&[], &paths));
    }
}
