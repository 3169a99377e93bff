//! Files that are kept under the SHA-256 of their contents: streamed to disk under another name, counted, then renamed.
//!
//! A crash at any point leaves at most a temporary file or a blob without a row; both are collected as garbage.

use crate::{Disks, Failure, Outcome, UseCases};
use aerie_domain::{CodeVersionId, Problem, ProblemCode};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tokio::{fs, io::AsyncWriteExt, task::spawn_blocking};

/// How much may arrive between two looks at the disk. Larger: more may be written to a disk that is nearly full; smaller: more
/// looks.
const LOOK_EVERY: u64 = 16 * 1024 * 1024;

/// Removes its file when dropped.
pub(crate) struct TemporaryFile(pub(crate) PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // Gone already after the rename to its final name: nothing to do.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A file that is arriving. Dropped unfinished, it leaves nothing behind.
pub(crate) struct Incoming {
    file: fs::File,
    path: TemporaryFile,
    hasher: Sha256,
    written: u64,
    looked_at: u64,
    limit: u64,
    what: &'static str,
    disks: Disks,
}

/// A file that has arrived, under a temporary name.
pub(crate) struct Arrived {
    /// Where it is.
    pub(crate) path: TemporaryFile,
    /// SHA-256, hexadecimal.
    pub(crate) digest: String,
    /// Its size.
    pub(crate) bytes: u64,
}

impl Incoming {
    /// Appends what has arrived. Refuses what is too large, and everything once the disk is nearly full.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.written += bytes.len() as u64;
        if self.written > self.limit {
            let detail = format!("The {} is larger than {} MiB.", self.what, self.limit / (1024 * 1024));
            return Err(Problem::new(ProblemCode::TooLarge, detail).into());
        }
        if self.written - self.looked_at >= LOOK_EVERY {
            self.looked_at = self.written;
            self.disks.check(0).map_err(|text| Problem::new(ProblemCode::Unavailable, text))?;
        }
        self.hasher.update(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// All has arrived, and is on the disk.
    pub(crate) async fn finish(mut self) -> Outcome<Arrived> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok(Arrived { path: self.path, digest: hex::encode(self.hasher.finalize()), bytes: self.written })
    }
}

impl UseCases {
    /// Begins to take in a file of at most `limit` bytes; `what` is its name in refusals.
    pub(crate) async fn incoming(&self, limit: u64, what: &'static str) -> Outcome<Incoming> {
        let path = self.incoming_path().await?;
        let file = fs::File::create(&path.0).await?;
        let (hasher, disks) = (Sha256::new(), self.settings().disks.clone());
        Ok(Incoming { file, path, hasher, written: 0, looked_at: 0, limit, what, disks })
    }

    /// A name of its own for a file that is not whole yet.
    pub(crate) async fn incoming_path(&self) -> Outcome<TemporaryFile> {
        let folder = self.blob_folder();
        fs::create_dir_all(&folder).await?;
        Ok(TemporaryFile(folder.join(format!("incoming-{}", CodeVersionId::generate()))))
    }

    pub(crate) fn blob_folder(&self) -> PathBuf {
        self.settings().data_dir.join("blobs")
    }

    pub(crate) fn blob_path(&self, digest: &str) -> PathBuf {
        self.blob_folder().join(digest)
    }

    /// Moves a finished file to the name of its digest. Equal content is the same blob. Touching an existing one
    /// keeps the garbage collector (which spares young files) away until the row is there.
    pub(crate) async fn keep_blob(&self, from: &Path, digest: &str) -> Outcome<()> {
        fs::rename(from, self.blob_path(digest)).await?;
        let folder = self.blob_folder();
        spawn_blocking(move || std::fs::File::open(folder)?.sync_all())
            .await
            .map_err(|error| Failure::Bug(error.to_string()))??;
        Ok(())
    }
}
