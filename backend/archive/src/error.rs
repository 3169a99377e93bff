//! Why an archive was refused, in sentences for the person who uploaded it.

use std::io;

use thiserror::Error;

/// Why no normalised archive was made. All but [`ArchiveError::Io`] are the uploader's to mend.
///
/// Names are escaped: they can be shown on a page or a terminal as they are.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum ArchiveError {
    #[error(
        "This file is not an archive that Aerie knows: please upload a zip, tar, tar.gz, tar.bz2, tar.xz or tar.zst."
    )]
    NotAnArchive,
    #[error("The archive holds no files.")]
    Empty,
    #[error("The archive is too large: {what} may have at most {}.", human(*limit))]
    TooLarge { what: &'static str, limit: u64 },
    #[error("The archive has too many files and folders: at most {limit} are allowed.")]
    TooManyEntries { limit: u64 },
    #[error("The archive unpacks to more than {limit} times its size, which only archives made to do harm do.")]
    Ratio { limit: u64 },
    #[error(
        "Unpacking this archive needs too much memory; please compress it with a usual level (for example -9 or less)."
    )]
    TooMuchMemory,
    #[error("The archive is cut off: its end is missing. Was the upload or the download interrupted?")]
    Truncated,
    #[error("The archive is damaged: {detail}.")]
    Damaged { detail: String },
    #[error("The archive uses a feature that Aerie does not read: {detail}. Please pack it again with usual settings.")]
    Unsupported { detail: String },
    #[error("The archive holds '{name}', a path that starts at the top of a disk; only relative paths are allowed.")]
    AbsolutePath { name: String },
    #[error("The archive holds '{name}', which leads out of the archive with '..'.")]
    ParentPath { name: String },
    #[error("The archive holds the link '{name}'; please replace it by a copy of the file or folder.")]
    Link { name: String },
    #[error("The archive holds '{name}', which is neither a file nor a folder but a device, pipe or socket.")]
    Device { name: String },
    #[error("The archive holds '{name}' as a file with holes (sparse), which is not allowed.")]
    Sparse { name: String },
    #[error("The archive holds '{name}' more than once.")]
    Duplicate { name: String },
    #[error("The archive holds '{name}', a name that is not allowed: {reason}.")]
    BadName { name: String, reason: &'static str },
    #[error("The archive is protected by a password ('{name}' is encrypted); please pack it without one.")]
    Encrypted { name: String },
    #[error("The archive could not be read or written.")]
    Io(#[source] io::Error),
}

impl ArchiveError {
    /// Whether the archive is to blame (show the sentence) rather than the machine (log it, say nothing).
    pub fn is_callers_fault(&self) -> bool {
        !matches!(self, Self::Io(_))
    }

    pub(crate) fn damaged(detail: impl Into<String>) -> Self {
        Self::Damaged { detail: detail.into() }
    }

    /// Our own reasons travel through `Read` implementations inside an `io::Error`; see `From` for the way back.
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            reason => io::Error::other(reason),
        }
    }
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Io)
    }
}

/// A name as it may be shown: short, and without characters that could fool a terminal or a reader.
pub(crate) fn shown(name: &[u8]) -> String {
    /// Longer names say nothing more to a reader, and a message should fit on a screen.
    const SHOWN_CHARS: usize = 120;
    let text = String::from_utf8_lossy(name);
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN_CHARS {
            shown.push('…');
            break;
        }
        // Escapes control and unprintable (such as direction-changing) characters, but leaves quotes and letters alone.
        if matches!(character, '\'' | '"' | '\\') {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}

fn human(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes >= 1 << shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_harmlessly() {
        assert_eq!(shown(b"a\x1b[31m\nb\0"), "a\\u{1b}[31m\\nb\\0");
        assert_eq!(shown("Übung 'eins'.php".as_bytes()), "Übung 'eins'.php");
        assert_eq!(shown("gpj.\u{202e}exe".as_bytes()), "gpj.\\u{202e}exe");
        assert_eq!(shown(&[b'x'; 500]).chars().count(), 121);
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(human(1 << 30), "1 GiB");
        assert_eq!(human(256 << 20), "256 MiB");
        assert_eq!(human(12), "12 bytes");
    }
}
