//! Unpacks a normalised archive. The director has looked through it already; this looks again, because a link or a path
//! upwards that slipped through there would do its harm here.

use super::CodeError;
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, BufReader},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};
use tar::EntryType;

/// Unpacks the `.tar.zst` at `archive` into the new folder `into`.
pub(super) fn unpack(archive: &Path, into: &Path) -> Result<(), CodeError> {
    fs::create_dir(into)?;
    fs::set_permissions(into, Permissions::from_mode(0o755))?;
    let unreadable = |error: io::Error| CodeError::Refused(format!("it cannot be read: {error}"));
    let tar = zstd::Decoder::new(BufReader::new(File::open(archive)?)).map_err(unreadable)?;
    let mut tar = tar::Archive::new(tar);
    for entry in tar.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = relative(&entry.path().map_err(unreadable)?)?;
        let target = into.join(&path);
        match entry.header().entry_type() {
            EntryType::Directory => fs::create_dir_all(&target)?,
            EntryType::Regular => {
                if let Some(folder) = target.parent() {
                    fs::create_dir_all(folder)?;
                }
                let executable = entry.header().mode().map_err(unreadable)? & 0o111 != 0;
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
                io::copy(&mut entry, &mut file)?;
                file.set_permissions(Permissions::from_mode(if executable { 0o555 } else { 0o444 }))?;
            }
            // Says something about the whole archive, makes no file.
            EntryType::XGlobalHeader => {}
            _ => return Err(CodeError::Refused(format!("{} is neither a file nor a folder", path.display()))),
        }
    }
    Ok(())
}

/// The path without `.`; refused when it leads out of the folder.
fn relative(path: &Path) -> Result<PathBuf, CodeError> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            _ => return Err(CodeError::Refused(format!("the path {} leads elsewhere", path.display()))),
        }
    }
    Ok(clean)
}
