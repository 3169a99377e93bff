//! Reads an upload entry by entry, whatever its format.
//!
//! Each walk starts at the beginning, checks names and kinds, and hands every file and folder that is to be kept to a
//! visitor. The visitor may read the data or leave it.

pub(crate) mod tar;
mod zip;
mod zip_directory;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::meter::{Meter, Metered};
use crate::{ArchiveError, Format, Limits};

/// xz needs its dictionary in memory: 65 MiB for `xz -9`. Smaller would refuse that, larger lets one upload take more.
const XZ_MEMORY: u64 = 80 << 20;
/// zstd's window, as a power of two: 64 MiB allows all levels up to 21 (`--ultra -22` and `--long` ask for more).
const ZSTD_WINDOW_LOG: u32 = 26;

/// A file or folder to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As made by [`crate::name::clean`].
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// Seconds since 1970.
    pub(crate) mtime: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    File { size: u64, executable: bool },
}

/// What is done with each entry; the reader gives a file's data.
pub(crate) type Visitor<'a> = &'a mut dyn FnMut(&Entry, &mut dyn Read) -> Result<(), ArchiveError>;

/// An upload that can be walked several times.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a File,
    pub(crate) format: Format,
    pub(crate) upload_bytes: u64,
    pub(crate) limits: &'a Limits,
}

impl Source<'_> {
    /// Visits all entries in the order of the archive.
    pub(crate) fn walk(&self, visit: Visitor<'_>) -> Result<(), ArchiveError> {
        // A zip is read by jumping from entry to entry, and each jump throws the buffer away.
        let buffer_bytes = if self.format == Format::Zip { 16 << 10 } else { 128 << 10 };
        let mut file = BufReader::with_capacity(buffer_bytes, self.file);
        file.seek(SeekFrom::Start(0))?;
        if self.format == Format::Zip {
            return zip::walk(&mut file, self.upload_bytes, self.limits, visit);
        }
        // Headers and padding come on top of the contents.
        let overhead = self.limits.max_headers().saturating_mul(2 * tar::BLOCK as u64).saturating_add(1 << 20);
        let mut meter = Meter::new(self.limits, self.upload_bytes, overhead);
        let mut stream = Metered { inner: decoder(self.format, file)?, meter: &mut meter };
        tar::walk(&mut stream, self.limits, visit)
    }
}

/// Several compressed streams one after the other are one stream, as `pigz`, `pbzip2` and `cat` make them; anything
/// else after the end is refused, so that nothing in an accepted archive went unread.
fn decoder<'a>(format: Format, file: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match format {
        Format::Tar | Format::Zip => Box::new(file),
        Format::TarGz => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Format::TarBz2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Format::TarXz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(file, stream))
        }
        Format::TarZst => {
            let mut decoder = zstd::Decoder::with_buffer(file)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}
