//! Counts what really comes out of a decoder and stops it at the limit.

use std::io::{self, Read};

use crate::{ArchiveError, Limits};

/// The bytes that one reading of the upload may produce.
pub(crate) struct Meter {
    produced: u64,
    most: u64,
    upload_bytes: u64,
    max_ratio: u64,
    max_unpacked_bytes: u64,
}

impl Meter {
    /// `overhead` is what the container may add to the files' contents.
    pub(crate) fn new(limits: &Limits, upload_bytes: u64, overhead: u64) -> Self {
        Self {
            produced: 0,
            most: limits.max_unpacked_bytes.saturating_add(overhead),
            upload_bytes,
            max_ratio: limits.max_ratio,
            max_unpacked_bytes: limits.max_unpacked_bytes,
        }
    }

    pub(crate) fn add(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        self.produced = self.produced.saturating_add(bytes);
        if self.produced > Limits::RATIO_FREE_BYTES && self.produced > self.upload_bytes.saturating_mul(self.max_ratio)
        {
            return Err(ArchiveError::Ratio { limit: self.max_ratio });
        }
        if self.produced > self.most {
            return Err(too_large(self.max_unpacked_bytes));
        }
        Ok(())
    }
}

pub(crate) fn too_large(limit: u64) -> ArchiveError {
    ArchiveError::TooLarge { what: "its content", limit }
}

/// A decoder whose output is metered and whose errors say what is wrong with the archive.
pub(crate) struct Metered<'a, R> {
    pub(crate) inner: R,
    pub(crate) meter: &'a mut Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                self.meter.add(count as u64).map_err(ArchiveError::into_io)?;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(explain(error).into_io()),
        }
    }
}

/// Decoders speak to programmers; the disk below them may fail as well, and that is not the archive's fault.
fn explain(error: io::Error) -> ArchiveError {
    let error = match error.downcast::<ArchiveError>() {
        Ok(already) => return already,
        Err(error) => error,
    };
    if error.raw_os_error().is_some() {
        return ArchiveError::Io(error);
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return ArchiveError::Truncated;
    }
    let of_xz = error.get_ref().and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    if matches!(of_xz, Some(liblzma::stream::Error::MemLimit | liblzma::stream::Error::Mem))
        // zstd's binding keeps only the text of its error code (memory use, window too large).
        || error.to_string().contains("too much memory")
    {
        return ArchiveError::TooMuchMemory;
    }
    ArchiveError::damaged("the compressed data does not make sense")
}
