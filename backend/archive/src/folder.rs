//! Packs a folder of ours (a template's `code-default`, a git checkout) in the normal form.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::shown;
use crate::source::{Entry, Kind};
use crate::{ArchiveError, Format, Limits, Summary, name, plan, write};

/// Every file gets this time (1980-01-01, the first that zip knows): a checkout's times differ from machine to machine,
/// and two directors must find the same digest for the same files.
const MTIME: u64 = 315_532_800;

/// Packs the files in `folder` into a normalised archive at `output`, sorted by name, without stripping a top folder.
///
/// # Assumptions
/// The folder does not change meanwhile and is not hostile; links and devices in it are refused all the same.
///
/// # Errors
/// As [`crate::normalise`], with [`Limits::default`].
pub fn pack_folder(folder: &Path, output: &Path) -> Result<Summary, ArchiveError> {
    let limits = Limits::default();
    let mut plan = plan::Plan::new(&limits);
    let mut entries = Vec::new();
    collect(folder, "", &limits, &mut |entry| {
        plan.add(&entry)?;
        entries.push(entry);
        Ok(())
    })?;
    plan.finish()?;
    let written = write::to_file(output, |writer| {
        for entry in &entries {
            match entry.kind {
                Kind::Folder => writer.add(entry, &entry.path, &mut io::empty())?,
                Kind::File { .. } => writer.add(entry, &entry.path, &mut File::open(folder.join(&entry.path))?)?,
            }
        }
        Ok(())
    })?;
    Ok(Summary {
        format: Format::TarZst,
        files: written.files,
        unpacked_bytes: written.content_bytes,
        normalised_digest: written.digest,
        normalised_bytes: written.bytes,
        stripped_top_folder: None,
    })
}

fn collect(
    folder: &Path,
    prefix: &str,
    limits: &Limits,
    found: &mut dyn FnMut(Entry) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut children = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    children.sort_by_key(fs::DirEntry::file_name);
    for child in children {
        let mut raw = prefix.as_bytes().to_vec();
        raw.extend_from_slice(child.file_name().as_bytes());
        let Some(path) = name::clean(&raw, limits)? else { continue };
        // Of the entry itself: a link is refused, not followed.
        let metadata = child.metadata()?;
        let kind = metadata.file_type();
        if kind.is_symlink() {
            return Err(ArchiveError::Link { name: shown(&raw) });
        } else if kind.is_dir() {
            found(Entry { path: path.clone(), kind: Kind::Folder, mtime: MTIME })?;
            collect(&child.path(), &format!("{path}/"), limits, found)?;
        } else if kind.is_file() {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            found(Entry { path, kind: Kind::File { size: metadata.len(), executable }, mtime: MTIME })?;
        } else {
            return Err(ArchiveError::Device { name: shown(&raw) });
        }
    }
    Ok(())
}
