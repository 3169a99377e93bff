//! Turns an uploaded code archive, which may be hostile, into one **normalised archive** that the rest of Aerie trusts.
//!
//! *What lives here:* reading zip and (compressed) tar files defensively, and writing the normal form.
//! *Who may call it:* the use cases (uploads, git commits) and whoever packs a template's `code-default` folder. It is
//! synchronous and uses the processor for seconds: call it in `spawn_blocking`.
//! *What it may call:* compression libraries and the two files it was given; nothing else of Aerie.
//!
//! # The normal form
//! A `.tar.zst` (level 3, with checksum) that holds only regular files and folders, each folder before what is in it,
//! under relative UTF-8 names without `.`, `..`, empty parts, backslashes or control characters. Modes are 0644 or
//! 0755, owner and group 0, times whole seconds from 1970 on. A single folder around everything is stripped. What
//! operating systems leave behind (`__MACOSX`, `.DS_Store`, `._*`) and `.git` is left out. The same input always gives
//! the same bytes, so the digest names the version.
//!
//! # Guarantees
//! * Memory stays below about 150 MB whatever comes in, disk below `max_unpacked_bytes` plus headers, and no byte is
//!   written anywhere but `output`, which is removed again when the archive is refused.
//! * No size in a header is believed: bytes are counted as they come out of the decoder.
//! * What this crate accepts it has read completely, checksums included.
//!
//! # How to extend
//! A new compression is a variant of [`Format`], its magic number in `detect`, and a line in `source::decoder`. A new
//! container needs a module in `source` that calls the visitor for each entry. Rules about names go to `name`, rules
//! about the set of names to `plan`; both apply to every format.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "tests fail loudly"))]

mod detect;
mod error;
mod folder;
mod limits;
mod meter;
mod name;
mod plan;
mod source;
mod write;

use std::fs::File;
use std::path::Path;

pub use detect::Format;
pub use error::ArchiveError;
pub use folder::pack_folder;
pub use limits::Limits;
use serde::{Deserialize, Serialize};

/// What a normalised archive holds and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What was uploaded, as its content says.
    pub format: Format,
    /// Number of regular files in the normalised archive.
    pub files: u64,
    /// Sum of the sizes of those files.
    pub unpacked_bytes: u64,
    /// SHA-256 of the normalised archive, in hex.
    pub normalised_digest: String,
    /// Size of the normalised archive.
    pub normalised_bytes: u64,
    /// The folder that was around everything and is now gone.
    pub stripped_top_folder: Option<String>,
}

/// Checks the archive at `input` and writes its normal form to `output`.
///
/// The input is read twice: once to see every name (is there a single folder around everything? is a name there
/// twice?), once to copy the contents.
///
/// # Errors
/// Every reason to refuse an archive is a variant of [`ArchiveError`] with a sentence for the student. After an error
/// nothing new is at `output`.
pub fn normalise(input: &Path, output: &Path, limits: &Limits) -> Result<Summary, ArchiveError> {
    let mut file = File::open(input)?;
    let upload_bytes = file.metadata()?.len();
    if upload_bytes > limits.max_upload_bytes {
        return Err(ArchiveError::TooLarge { what: "the uploaded file", limit: limits.max_upload_bytes });
    }
    let format = detect::detect(&mut file)?;
    let source = source::Source { file: &file, format, upload_bytes, limits };

    let mut plan = plan::Plan::new(limits);
    source.walk(&mut |entry, _| plan.add(entry))?;
    let layout = plan.finish()?;

    write::to_file(output, |writer| {
        source.walk(&mut |entry, data| match layout.place(&entry.path) {
            Some(path) => writer.add(entry, path, data),
            None => Ok(()),
        })
    })
    .map(|written| Summary {
        format,
        files: written.files,
        unpacked_bytes: written.content_bytes,
        normalised_digest: written.digest,
        normalised_bytes: written.bytes,
        stripped_top_folder: layout.into_top(),
    })
}
