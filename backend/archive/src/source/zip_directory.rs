//! Reads a zip's central directory: the list of its entries at the end of the file.
//!
//! It is read here rather than by the `zip` crate, which keeps the whole list in memory before anyone can count it,
//! drops duplicate names without a word and, when the list is damaged, tries every other place in the file that looks
//! like one. Here there is one list, directly before the end record, which ends with the file.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::{Entry, Kind};
use crate::error::shown;
use crate::{ArchiveError, Limits, name};

const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;
const END64_BYTES: usize = 56;
const RECORD_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;

/// Where the list of entries lies.
struct Directory {
    start: u64,
    bytes: u64,
    count: u64,
}

/// An entry to keep and where its data lies.
pub(super) struct Located {
    pub(super) entry: Entry,
    pub(super) data_start: u64,
    pub(super) packed_bytes: u64,
    pub(super) crc: u32,
    pub(super) deflated: bool,
    header_start: u64,
}

/// All entries to keep, with checked names and kinds, none of them overlapping.
pub(super) fn read(
    file: &mut (impl BufRead + Seek),
    file_bytes: u64,
    limits: &Limits,
) -> Result<Vec<Located>, ArchiveError> {
    let directory = find(file, file_bytes)?;
    if directory.count > limits.max_headers() {
        return Err(ArchiveError::TooManyEntries { limit: limits.max_entries });
    }
    file.seek(SeekFrom::Start(directory.start))?;
    let mut list = Vec::new();
    let mut records = file.by_ref().take(directory.bytes);
    for _ in 0..directory.count {
        if let Some(located) = read_record(&mut records, limits)? {
            if list.len() as u64 >= limits.max_entries {
                return Err(ArchiveError::TooManyEntries { limit: limits.max_entries });
            }
            list.push(located);
        }
    }
    if records.limit() != 0 {
        return Err(damaged());
    }
    locate(file, &mut list, directory.start)?;
    Ok(list)
}

fn find(file: &mut (impl Read + Seek), file_bytes: u64) -> Result<Directory, ArchiveError> {
    // The end record closes the file; its comment has at most 65535 bytes.
    let tail_start = file_bytes.saturating_sub(END_BYTES as u64 + 0xffff);
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.take(file_bytes - tail_start).read_to_end(&mut tail)?;
    let at = (0..(tail.len() + 1).saturating_sub(END_BYTES))
        .rev()
        .find(|at| {
            let end = Fields(&tail[*at..]);
            end.0.starts_with(b"PK\x05\x06") && at + END_BYTES + usize::from(end.u16(20)) == tail.len()
        })
        .ok_or(ArchiveError::Truncated)?;
    let end = Fields(&tail[at..]);
    let end_start = tail_start + at as u64;
    let (count, bytes, start) = (end.u16(10), end.u32(12), end.u32(16));
    let mut directory = Directory { start: start.into(), bytes: bytes.into(), count: count.into() };
    let mut limit = end_start;
    let mut disks = u32::from(end.u16(4)) | u32::from(end.u16(6));
    if (count == u16::MAX || bytes == u32::MAX || start == u32::MAX)
        && let Some(found) = find64(file, end_start)?
    {
        (directory, limit, disks) = found;
    }
    if disks != 0 {
        return Err(ArchiveError::Unsupported { detail: "it is one part of several".into() });
    }
    if directory.start.checked_add(directory.bytes).is_none_or(|end| end > limit) {
        return Err(damaged());
    }
    Ok(directory)
}

/// The larger end record of zips with more than 65535 entries or 4 GiB, which some packers always write.
fn find64(file: &mut (impl Read + Seek), end_start: u64) -> Result<Option<(Directory, u64, u32)>, ArchiveError> {
    let Some(locator_start) = end_start.checked_sub(LOCATOR_BYTES as u64) else { return Ok(None) };
    let locator: [u8; LOCATOR_BYTES] = read_at(file, locator_start)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    let start = Fields(&locator).u64(8);
    if start.checked_add(END64_BYTES as u64).is_none_or(|end| end > locator_start) {
        return Err(damaged());
    }
    let record: [u8; END64_BYTES] = read_at(file, start)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(damaged());
    }
    let record = Fields(&record);
    let directory = Directory { count: record.u64(32), bytes: record.u64(40), start: record.u64(48) };
    Ok(Some((directory, start, record.u32(16) | record.u32(20))))
}

/// Reads one record; `None` is junk.
fn read_record(records: &mut impl Read, limits: &Limits) -> Result<Option<Located>, ArchiveError> {
    let mut fixed = [0; RECORD_BYTES];
    records.read_exact(&mut fixed).map_err(cut)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return Err(damaged());
    }
    let record = Fields(&fixed);
    let flags = record.u16(8);
    let mut read = |length: u16| {
        let mut bytes = vec![0; length.into()];
        records.read_exact(&mut bytes).map_err(cut).map(|()| bytes)
    };
    let raw = decode_name(read(record.u16(28))?, flags);
    let extra = read(record.u16(30))?;
    read(record.u16(32))?;

    let Some(path) = name::clean(&raw, limits)? else { return Ok(None) };
    let method = record.u16(10);
    // Bit 0 encrypted, bit 6 strong encryption, bit 13 encrypted list; method 99 is AES.
    if flags & 0x2041 != 0 || method == 99 {
        return Err(ArchiveError::Encrypted { name: shown(&raw) });
    }
    if method != 0 && method != 8 {
        return Err(ArchiveError::Unsupported {
            detail: format!("'{}' is compressed with method {method} (only deflate is read)", shown(&raw)),
        });
    }
    let mut sizes = [u64::from(record.u32(24)), u64::from(record.u32(20)), u64::from(record.u32(42))];
    let mut mtime = dos_time(record.u16(14), record.u16(12));
    read_extra(&extra, &mut sizes, &mut mtime);
    let [size, packed_bytes, header_start] = sizes;
    Ok(Some(Located {
        entry: Entry { path, kind: kind(&raw, record.u32(38), size)?, mtime },
        data_start: 0,
        packed_bytes,
        crc: record.u32(16),
        deflated: method == 8,
        header_start,
    }))
}

/// Unix packers keep the file's mode in the upper half of the attributes; a link is a file whose mode says so.
fn kind(raw: &[u8], attributes: u32, size: u64) -> Result<Kind, ArchiveError> {
    let mode = attributes >> 16;
    match mode & 0o170_000 {
        0 | 0o100_000 | 0o040_000 => {}
        0o120_000 => return Err(ArchiveError::Link { name: shown(raw) }),
        _ => return Err(ArchiveError::Device { name: shown(raw) }),
    }
    if !raw.ends_with(b"/") && mode & 0o170_000 != 0o040_000 {
        return Ok(Kind::File { size, executable: mode & 0o100 != 0 });
    }
    if size != 0 {
        return Err(ArchiveError::damaged(format!("the folder '{}' has data", shown(raw))));
    }
    Ok(Kind::Folder)
}

/// Extra fields: 1 holds sizes that do not fit (size, packed size, offset; only those that are all ones in the
/// record), `UT` the time in UTC.
fn read_extra(mut extra: &[u8], sizes: &mut [u64; 3], mtime: &mut u64) {
    while extra.len() >= 4 {
        let (id, length) = (Fields(extra).u16(0), usize::from(Fields(extra).u16(2)));
        let Some(mut field) = extra.get(4..4 + length) else { return };
        if id == 1 {
            for size in sizes.iter_mut().filter(|size| **size == u64::from(u32::MAX)) {
                if let Some((value, rest)) = field.split_first_chunk() {
                    *size = u64::from_le_bytes(*value);
                    field = rest;
                }
            }
        } else if id == 0x5455 && length >= 5 && field[0] & 1 != 0 {
            // Signed: before 1970 counts as 1970.
            *mtime = i32::from_le_bytes([field[1], field[2], field[3], field[4]]).max(0).unsigned_abs().into();
        }
        extra = &extra[4 + length..];
    }
}

/// Looks at each entry's own header to learn where its data starts, and refuses data that two entries share: that is
/// how the best zip bombs work.
fn locate(file: &mut (impl Read + Seek), list: &mut [Located], directory_start: u64) -> Result<(), ArchiveError> {
    for located in &mut *list {
        if located.header_start.checked_add(LOCAL_BYTES as u64).is_none_or(|end| end > directory_start) {
            return Err(damaged());
        }
        let local: [u8; LOCAL_BYTES] = read_at(file, located.header_start)?;
        if !local.starts_with(b"PK\x03\x04") {
            return Err(damaged());
        }
        let local = Fields(&local);
        located.data_start =
            located.header_start + LOCAL_BYTES as u64 + u64::from(local.u16(26)) + u64::from(local.u16(28));
    }
    let mut ranges: Vec<_> = list
        .iter()
        .map(|located| (located.header_start, located.data_start.saturating_add(located.packed_bytes)))
        .collect();
    ranges.sort_unstable();
    ranges.push((directory_start, directory_start));
    if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(ArchiveError::damaged("two of its files share the same data"));
    }
    Ok(())
}

/// Zips of old say nothing about the encoding: most are UTF-8 all the same; the others are, as Windows makes them, in
/// the character set of MS-DOS.
fn decode_name(raw: Vec<u8>, flags: u16) -> Vec<u8> {
    const UPPER_HALF: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
    let says_utf8 = flags & 0x800 != 0;
    if says_utf8 || std::str::from_utf8(&raw).is_ok() {
        return raw;
    }
    let decode = |byte: &u8| match byte.checked_sub(128) {
        None => char::from(*byte),
        Some(upper) => UPPER_HALF.chars().nth(upper.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    raw.iter().map(decode).collect::<String>().into_bytes()
}

/// A zip's own time has no zone; taken as UTC it is the same on every machine.
fn dos_time(date: u16, clock: u16) -> u64 {
    let part = |value: u16, shift: u16, bits: u16| u8::try_from((value >> shift) & ((1 << bits) - 1)).unwrap_or(0);
    let month = time::Month::try_from(part(date, 5, 4));
    let date = month.ok().and_then(|month| {
        time::Date::from_calendar_date(1980 + i32::from(part(date, 9, 7)), month, part(date, 0, 5)).ok()
    });
    let clock = time::Time::from_hms(part(clock, 11, 5), part(clock, 5, 6), part(clock, 0, 5) * 2);
    let seconds =
        date.map_or(0, |date| date.with_time(clock.unwrap_or(time::Time::MIDNIGHT)).assume_utc().unix_timestamp());
    u64::try_from(seconds).unwrap_or(0)
}

fn damaged() -> ArchiveError {
    ArchiveError::damaged("its list of files does not fit its content")
}

fn cut(error: io::Error) -> ArchiveError {
    if error.kind() == io::ErrorKind::UnexpectedEof { damaged() } else { error.into() }
}

fn read_at<const N: usize>(file: &mut (impl Read + Seek), start: u64) -> Result<[u8; N], ArchiveError> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes).map_err(cut)?;
    Ok(bytes)
}

/// Little-endian numbers at fixed places; every caller has made sure that the bytes are there.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_old_zips_become_readable() {
        assert_eq!(decode_name(b"\x9abung.php".to_vec(), 0), "Übung.php".as_bytes());
        assert_eq!(decode_name("Übung.php".as_bytes().to_vec(), 0), "Übung.php".as_bytes());
        assert_eq!(decode_name(b"\xff".to_vec(), 0x800), b"\xff", "a broken promise is left for the name check");
        assert_eq!(decode_name(vec![0xe1, 0xff], 0), "ß\u{a0}".as_bytes());
    }

    #[test]
    fn times_are_read_and_impossible_ones_are_not_fatal() {
        assert_eq!(dos_time((46 << 9) | (1 << 5) | 2, (3 << 11) | (4 << 5) | 3), 1_767_323_046);
        assert_eq!(dos_time(0, 0), 0);
        assert_eq!(dos_time(u16::MAX, u16::MAX), 0);
    }

    #[test]
    fn extra_fields_of_any_content_are_harmless() {
        let (mut sizes, mut mtime) = ([u64::from(u32::MAX), 7, 8], 9);
        read_extra(&[1, 0, 8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x55, 0x54, 5, 0, 1, 100, 0, 0, 0], &mut sizes, &mut mtime);
        assert_eq!((sizes, mtime), ([5, 7, 8], 100));
        for garbage in [&[1, 0, 255, 255][..], &[1, 0, 0], &[0x55, 0x54, 1, 0, 1], &[1, 0, 3, 0, 1, 2, 3]] {
            read_extra(garbage, &mut sizes, &mut mtime);
        }
        assert_eq!((sizes, mtime), ([5, 7, 8], 100));
    }
}
