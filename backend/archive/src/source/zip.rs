//! Walks a zip: each entry of its list, with the data checked against size and checksum.

use std::io::{self, BufRead, Read, Seek, SeekFrom, Take};

use super::zip_directory::{self, Located};
use super::{Kind, Visitor};
use crate::meter::{Meter, Metered};
use crate::{ArchiveError, Limits};

/// Visits every entry in the order of the list.
pub(super) fn walk(
    file: &mut (impl BufRead + Seek),
    file_bytes: u64,
    limits: &Limits,
    visit: Visitor<'_>,
) -> Result<(), ArchiveError> {
    let list = zip_directory::read(file, file_bytes, limits)?;
    // What the list itself admits to is refused before anything is unpacked. It may lie, so bytes are metered as well.
    let mut admitted = Meter::new(limits, file_bytes, 0);
    for located in &list {
        if let Kind::File { size, .. } = located.entry.kind {
            admitted.add(size)?;
        }
    }
    let mut meter = Meter::new(limits, file_bytes, 0);
    for located in &list {
        match located.entry.kind {
            Kind::Folder => visit(&located.entry, &mut io::empty())?,
            Kind::File { size, .. } => {
                file.seek(SeekFrom::Start(located.data_start))?;
                let packed = file.by_ref().take(located.packed_bytes);
                let decoder = if located.deflated {
                    Decoder::Deflated(flate2::bufread::DeflateDecoder::new(packed))
                } else {
                    Decoder::Stored(packed)
                };
                let inner = Checked { decoder, size, located, produced: 0, crc: flate2::Crc::new() };
                visit(&located.entry, &mut Metered { inner, meter: &mut meter })?;
            }
        }
    }
    Ok(())
}

enum Decoder<R> {
    Stored(Take<R>),
    Deflated(flate2::bufread::DeflateDecoder<Take<R>>),
}

/// Fails at the end of the data unless size and checksum are those of the list.
struct Checked<'a, R> {
    decoder: Decoder<R>,
    size: u64,
    located: &'a Located,
    produced: u64,
    crc: flate2::Crc,
}

impl<R: BufRead> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.decoder {
            Decoder::Stored(data) => data.read(buffer)?,
            Decoder::Deflated(data) => match data.read(buffer) {
                // Of this entry only; the end of the archive is there, or its list would not have been found.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(self.wrong("size")),
                read => read?,
            },
        };
        self.crc.update(&buffer[..count]);
        self.produced += count as u64;
        let at_end = count == 0 && !buffer.is_empty();
        let unread = match &self.decoder {
            Decoder::Stored(data) => data.limit(),
            Decoder::Deflated(data) => data.get_ref().limit(),
        };
        if self.produced > self.size || at_end && (self.produced < self.size || unread > 0) {
            return Err(self.wrong("size"));
        }
        if at_end && self.crc.sum() != self.located.crc {
            return Err(self.wrong("checksum"));
        }
        Ok(count)
    }
}

impl<R> Checked<'_, R> {
    fn wrong(&self, what: &str) -> io::Error {
        let name = crate::error::shown(self.located.entry.path.as_bytes());
        ArchiveError::damaged(format!("'{name}' has not the {what} that is written down for it")).into_io()
    }
}
