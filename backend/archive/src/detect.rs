//! What kind of archive a file is, told by its content: names and content types are the uploader's claim.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

use crate::ArchiveError;
use crate::source::tar::{BLOCK, is_header};

/// The kinds of archive that can be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `.zip`, also `.jar` and `.war`.
    Zip,
    /// `.tar`.
    Tar,
    /// `.tar.gz`, `.tgz`.
    TarGz,
    /// `.tar.bz2`.
    TarBz2,
    /// `.tar.xz`.
    TarXz,
    /// `.tar.zst`.
    TarZst,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::TarBz2 => "tar.bz2",
            Self::TarXz => "tar.xz",
            Self::TarZst => "tar.zst",
        })
    }
}

/// Looks at the first bytes. A zip must start the file: programs that unpack themselves are not accepted.
pub(crate) fn detect(file: &mut File) -> Result<Format, ArchiveError> {
    let mut start = Vec::with_capacity(BLOCK);
    file.seek(SeekFrom::Start(0))?;
    (&mut *file).take(BLOCK as u64).read_to_end(&mut start)?;
    if start.is_empty() {
        return Err(ArchiveError::Empty);
    }
    let magic: [(&[u8], Format); 6] = [
        (b"PK\x03\x04", Format::Zip),
        (b"PK\x05\x06", Format::Zip),
        (b"\x1f\x8b", Format::TarGz),
        (b"BZh", Format::TarBz2),
        (b"\xfd7zXZ\0", Format::TarXz),
        (b"\x28\xb5\x2f\xfd", Format::TarZst),
    ];
    for (magic, format) in magic {
        if start.starts_with(magic) {
            return Ok(format);
        }
    }
    match <&[u8; BLOCK]>::try_from(start.as_slice()) {
        Ok(block) if is_header(block) || block.iter().all(|byte| *byte == 0) => Ok(Format::Tar),
        _ => Err(ArchiveError::NotAnArchive),
    }
}
