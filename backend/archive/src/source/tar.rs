//! Walks a tar stream.
//!
//! The `tar` crate decodes the headers, but the walk is ours: its iterator keeps long names and sparse maps of any
//! length in memory and does not tell a missing end from the end.

use std::io::{self, Read};

use super::{Entry, Kind, Visitor};
use crate::error::shown;
use crate::meter::too_large;
use crate::{ArchiveError, Limits, name};

/// Tar files consist of blocks of this size.
pub(crate) const BLOCK: usize = 512;
/// Longest extension header that is read. macOS and backup tools keep attributes of files there; 1 MiB is ample, and
/// smaller would refuse those archives.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

/// Whether a block is a tar header: its checksum tells.
pub(crate) fn is_header(block: &[u8; BLOCK]) -> bool {
    let sum: u32 =
        block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum();
    tar::Header::from_byte_slice(block).cksum().is_ok_and(|written| written == sum)
}

/// What extension headers say about the entry that follows them.
#[derive(Default)]
struct Extension {
    pax_path: Option<Vec<u8>>,
    gnu_path: Option<Vec<u8>>,
    mtime: Option<u64>,
    size: Option<u64>,
    sparse: bool,
}

/// Visits every entry up to the end mark, then makes sure that nothing but zeros follows it: archives joined with
/// `cat` would otherwise lose files without a word.
pub(crate) fn walk(stream: &mut dyn Read, limits: &Limits, visit: Visitor<'_>) -> Result<(), ArchiveError> {
    let mut extension = Extension::default();
    let mut content_left = limits.max_unpacked_bytes;
    let mut block = [0; BLOCK];
    for count in 0u64.. {
        if count > limits.max_headers() {
            return Err(ArchiveError::TooManyEntries { limit: limits.max_entries });
        }
        read_block(stream, &mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        if !is_header(&block) {
            return Err(if count == 0 {
                ArchiveError::NotAnArchive
            } else {
                ArchiveError::damaged("a header has a wrong checksum")
            });
        }
        let header = tar::Header::from_byte_slice(&block);
        let size = header.entry_size().map_err(|_| ArchiveError::damaged("a header has no valid size"))?;
        match header.entry_type().as_byte() {
            b'L' => extension.gnu_path = Some(until_nul(read_extension(stream, size)?)),
            b'x' | b'X' => extension.read_pax(&read_extension(stream, size)?)?,
            // A link's long target (the link itself is refused), settings for all entries (such as the commit that
            // `git archive` notes), a label.
            b'K' | b'g' | b'V' => skip(stream, size, size)?,
            _ => {
                let said = std::mem::take(&mut extension);
                let raw = said
                    .pax_path
                    .as_deref()
                    .or(said.gnu_path.as_deref())
                    .map_or_else(|| header.path_bytes(), Into::into);
                if said.size.is_some_and(|said| said != size) {
                    return Err(ArchiveError::damaged(format!(
                        "the size of '{}' is given twice and differs",
                        shown(&raw)
                    )));
                }
                if size > content_left {
                    return Err(too_large(limits.max_unpacked_bytes));
                }
                content_left -= size;
                let mut data = stream.take(size);
                if let Some(path) = name::clean(&raw, limits)? {
                    let kind = kind(header, &raw, size, said.sparse)?;
                    let mtime = said.mtime.or_else(|| header.mtime().ok()).unwrap_or(0);
                    visit(&Entry { path, kind, mtime }, &mut data)?;
                }
                let unread = data.limit();
                skip(stream, unread, size)?;
            }
        }
    }
    if extension.gnu_path.is_some() || extension.pax_path.is_some() {
        return Err(ArchiveError::damaged("a name at its end belongs to no file"));
    }
    expect_zeros(stream)
}

fn kind(header: &tar::Header, raw: &[u8], size: u64, sparse: bool) -> Result<Kind, ArchiveError> {
    let name = || shown(raw);
    let folder = || match size {
        0 => Ok(Kind::Folder),
        _ => Err(ArchiveError::damaged(format!("the folder '{}' has data", name()))),
    };
    match header.entry_type().as_byte() {
        _ if sparse => Err(ArchiveError::Sparse { name: name() }),
        b'S' => Err(ArchiveError::Sparse { name: name() }),
        // The oldest tars mark a folder by its name only.
        b'0' | b'\0' | b'7' if raw.ends_with(b"/") => folder(),
        b'0' | b'\0' | b'7' => Ok(Kind::File { size, executable: header.mode().is_ok_and(|mode| mode & 0o100 != 0) }),
        b'5' => folder(),
        b'1' | b'2' => Err(ArchiveError::Link { name: name() }),
        b'3' | b'4' | b'6' => Err(ArchiveError::Device { name: name() }),
        other => {
            Err(ArchiveError::Unsupported { detail: format!("'{}' is of the kind '{}'", name(), other.escape_ascii()) })
        }
    }
}

impl Extension {
    /// Reads records of the form `<length> <key>=<value>\n`; the length counts the whole record.
    fn read_pax(&mut self, mut records: &[u8]) -> Result<(), ArchiveError> {
        let damaged = || ArchiveError::damaged("an extended header does not make sense");
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ').ok_or_else(damaged)?;
            let length: usize = std::str::from_utf8(&records[..space])
                .ok()
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(damaged)?;
            let record = records.get(space + 1..length).ok_or_else(damaged)?;
            let record = record.strip_suffix(b"\n").ok_or_else(damaged)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(damaged)?;
            self.note(&record[..equals], &record[equals + 1..]);
            records = &records[length..];
        }
        Ok(())
    }

    fn note(&mut self, key: &[u8], value: &[u8]) {
        let text = std::str::from_utf8(value).unwrap_or_default();
        match key {
            b"path" => self.pax_path = Some(value.to_vec()),
            // A size that is no number can never equal the header's, so it is refused there.
            b"size" => self.size = Some(text.parse().unwrap_or(u64::MAX)),
            // Seconds with an optional fraction; before 1970 counts as 1970.
            b"mtime" => self.mtime = text.split('.').next().map(|seconds| seconds.parse().unwrap_or(0)),
            b"SCHILY.realsize" => self.sparse = true,
            key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
            _ => {}
        }
    }
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    // One NUL ends the name; a NUL within it is left for the check of names to refuse.
    if name.last() == Some(&0) {
        name.pop();
    }
    name
}

fn read_block(stream: &mut dyn Read, block: &mut [u8; BLOCK]) -> Result<(), ArchiveError> {
    stream.read_exact(block).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
        _ => error.into(),
    })
}

fn read_extension(stream: &mut dyn Read, size: u64) -> Result<Vec<u8>, ArchiveError> {
    if size > MAX_EXTENSION_BYTES {
        return Err(ArchiveError::damaged("an extended header is too long"));
    }
    let mut data = Vec::new();
    stream.take(size).read_to_end(&mut data)?;
    skip(stream, size - data.len() as u64, size)?;
    Ok(data)
}

/// Skips `unread` bytes of an entry of `size` bytes, and the padding after it.
fn skip(stream: &mut dyn Read, unread: u64, size: u64) -> Result<(), ArchiveError> {
    let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    let all = unread.saturating_add(padding);
    if io::copy(&mut stream.take(all), &mut io::sink())? < all {
        return Err(ArchiveError::Truncated);
    }
    Ok(())
}

fn expect_zeros(stream: &mut dyn Read) -> Result<(), ArchiveError> {
    let mut buffer = [0; 8 * BLOCK];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) if buffer[..count].iter().all(|byte| *byte == 0) => {}
            Ok(_) => return Err(ArchiveError::damaged("there is more data after its end")),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
