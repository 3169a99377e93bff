//! Second pass: writes the normal form.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::ArchiveError;
use crate::source::{Entry, Kind};

/// zstd's own default: level 9 takes four times as long for a few percent.
const LEVEL: i32 = 3;
/// The latest time that every tar reader understands (eleven octal digits, the year 2242).
const LATEST_MTIME: u64 = 0o77_777_777_777;

/// What was written.
pub(crate) struct Written {
    pub(crate) files: u64,
    pub(crate) content_bytes: u64,
    pub(crate) bytes: u64,
    pub(crate) digest: String,
}

/// Adds entries to a normalised archive.
pub(crate) struct Writer {
    tar: tar::Builder<zstd::Encoder<'static, Hashed>>,
    folders: HashSet<String>,
    files: u64,
    content_bytes: u64,
}

/// Creates `output` and lets `add_all` add the entries; removes it again when something fails.
pub(crate) fn to_file(
    output: &Path,
    add_all: impl FnOnce(&mut Writer) -> Result<(), ArchiveError>,
) -> Result<Written, ArchiveError> {
    let file = File::create(output)?;
    let result = Writer::new(file).and_then(|mut writer| {
        add_all(&mut writer)?;
        writer.finish()
    });
    if result.is_err() {
        // Nothing better can be done when this fails as well; the first error is the one to report.
        let _ = fs::remove_file(output);
    }
    result
}

impl Writer {
    fn new(file: File) -> Result<Self, ArchiveError> {
        let hashed = Hashed { file: BufWriter::with_capacity(128 << 10, file), hash: Sha256::new(), bytes: 0 };
        let mut zstd = zstd::Encoder::new(hashed, LEVEL)?;
        zstd.include_checksum(true)?;
        let mut tar = tar::Builder::new(zstd);
        tar.sparse(false);
        Ok(Self { tar, folders: HashSet::new(), files: 0, content_bytes: 0 })
    }

    /// Adds a file or folder at `path`, and before it the folders that it lies in.
    pub(crate) fn add(&mut self, entry: &Entry, path: &str, data: &mut dyn Read) -> Result<(), ArchiveError> {
        for (end, _) in path.match_indices('/') {
            self.folder(&path[..end], entry.mtime)?;
        }
        match entry.kind {
            Kind::Folder => self.folder(path, entry.mtime),
            Kind::File { size, executable } => {
                let mut header = header(tar::EntryType::Regular, if executable { 0o755 } else { 0o644 }, entry.mtime);
                header.set_size(size);
                self.tar.append_data(&mut header, path, Exactly { data, left: size })?;
                self.files += 1;
                self.content_bytes += size;
                Ok(())
            }
        }
    }

    fn folder(&mut self, path: &str, mtime: u64) -> Result<(), ArchiveError> {
        if self.folders.insert(path.to_owned()) {
            let mut header = header(tar::EntryType::Directory, 0o755, mtime);
            header.set_size(0);
            self.tar.append_data(&mut header, format!("{path}/"), io::empty())?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Written, ArchiveError> {
        let Hashed { file, hash, bytes } = self.tar.into_inner()?.finish()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(Written {
            files: self.files,
            content_bytes: self.content_bytes,
            bytes,
            digest: hex::encode(hash.finalize()),
        })
    }
}

fn header(kind: tar::EntryType, mode: u32, mtime: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime.min(LATEST_MTIME));
    header
}

/// Hashes and counts what goes to the file.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.file.write(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Gives exactly the bytes that the header just written promises, or fails: one byte more or less would shift
/// everything after it.
struct Exactly<'a> {
    data: &'a mut dyn Read,
    left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            // This read also lets the source see its end and check its checksum.
            return match self.data.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(ArchiveError::damaged("a file is longer than the archive says").into_io()),
            };
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        match self.data.read(&mut buffer[..most])? {
            0 if most > 0 => Err(ArchiveError::Truncated.into_io()),
            count => {
                self.left -= count as u64;
                Ok(count)
            }
        }
    }
}
