//! The output of instances that are gone: `<folder>/<service>/<instance>.log.zst`, lines `<RFC 3339 time> <text>`.
//!
//! Written by the manager when a container has ended, before it is removed or replaced; read by whoever shows logs. Each
//! writing adds whole zstd frames of bounded size, so that the newest lines are found without unpacking the older ones,
//! and takes effect as a whole, whenever the process dies. Caveat: output may be written twice (a crash between keeping
//! and removing); reading gives every line once.

mod read;

use aerie_cloud::{Cloud, CloudLogLine, LogsFrom};
use aerie_crash_points as crash_points;
use aerie_domain::{InstanceId, ServiceId};
use futures_util::StreamExt;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use read::{Found, Matches, Wanted, read};

/// Bytes of text per frame. Larger: the newest lines cost more unpacking; smaller: compresses less well.
const FRAME_BYTES: usize = 1024 * 1024;

/// How long the output of a container that has ended may take.
const WHOLE: Duration = Duration::from_secs(30);

/// One kept line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLine {
    /// When the engine received it.
    pub at: OffsetDateTime,
    /// As the container wrote it, with its tag.
    pub text: String,
}

/// Where an instance's output is kept.
pub fn path(folder: &Path, service: ServiceId, instance: InstanceId) -> PathBuf {
    folder.join(service.to_string()).join(format!("{instance}.log.zst"))
}

/// Bytes of an instance's kept output; 0 when there is none.
pub async fn size(folder: &Path, service: ServiceId, instance: InstanceId) -> i64 {
    let size = tokio::fs::metadata(path(folder, service, instance)).await.map_or(0, |file| file.len());
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn parse(line: &str) -> Option<KeptLine> {
    let (at, text) = line.split_once(' ')?;
    Some(KeptLine { at: OffsetDateTime::parse(at, &Rfc3339).ok()?, text: text.to_owned() })
}

/// Keeps the output of a container that has ended and is about to be replaced.
pub(crate) async fn keep_ended(cloud: &dyn Cloud, name: &str, file: &Path) {
    let mut frame = Frames::new();
    let lines = cloud.logs(name, LogsFrom::default());
    let _ = tokio::time::timeout(WHOLE, frame.collect(lines)).await;
    frame.append(file, name).await;
}

/// Removes what is kept of a whole service.
pub(crate) async fn forget_service(folder: &Path, service: ServiceId) -> io::Result<()> {
    absent_is_fine(tokio::fs::remove_dir_all(folder.join(service.to_string())).await)
}

/// Removes what is kept of one instance.
pub(crate) async fn forget(folder: &Path, service: ServiceId, instance: InstanceId) -> io::Result<()> {
    absent_is_fine(tokio::fs::remove_file(path(folder, service, instance)).await)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Lines on their way into a file, compressed.
struct Frames {
    /// Frames that are full.
    done: Vec<u8>,
    encoder: Option<zstd::Encoder<'static, Vec<u8>>>,
    /// Bytes of text in the frame that is being filled.
    filled: usize,
}

impl Frames {
    fn new() -> Self {
        Self { done: Vec::new(), encoder: None, filled: 0 }
    }

    fn line(&mut self, at: &str, text: &str) -> io::Result<()> {
        if self.filled >= FRAME_BYTES {
            self.end_frame()?;
        }
        if self.encoder.is_none() {
            // level 3 is zstd's own choice
            self.encoder = Some(zstd::Encoder::new(Vec::new(), 3)?);
        }
        if let Some(encoder) = &mut self.encoder {
            writeln!(encoder, "{at} {text}")?;
            self.filled += at.len() + text.len() + 2;
        }
        Ok(())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if let Some(encoder) = self.encoder.take() {
            self.done.append(&mut encoder.finish()?);
        }
        self.filled = 0;
        Ok(())
    }

    async fn collect(
        &mut self,
        mut lines: futures_util::stream::BoxStream<'static, Result<CloudLogLine, aerie_cloud::CloudError>>,
    ) {
        while let Some(Ok(CloudLogLine { at, text })) = lines.next().await {
            let Ok(at) = at.format(&Rfc3339) else { continue };
            if let Err(error) = self.line(&at, &text) {
                tracing::warn!(%error, "a line of output could not be compressed");
            }
        }
    }

    /// Losing a log must not keep a container from being removed: failures are only logged.
    async fn append(mut self, file: &Path, name: &str) {
        let file = file.to_owned();
        let written = async {
            self.end_frame()?;
            if self.done.is_empty() {
                return Ok(());
            }
            tokio::task::spawn_blocking(move || append(&file, &self.done)).await.map_err(io::Error::other)?
        };
        if let Err(error) = written.await {
            tracing::warn!(container.name = name, %error, "the output of a container could not be kept");
        }
    }
}

/// Adds to a file by way of a copy: half a frame at its end would hide all that is added later.
fn append(file: &Path, frame: &[u8]) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let whole = file.with_extension("new");
    let mut copy = std::fs::File::create(&whole)?;
    match std::fs::File::open(file) {
        Ok(mut before) => {
            io::copy(&mut before, &mut copy)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let (half, rest) = frame.split_at(frame.len() / 2);
    copy.write_all(half)?;
    crash_points::pass(crash_points::Point::KeptLogHalf);
    copy.write_all(rest)?;
    copy.sync_data()?;
    std::fs::rename(&whole, file)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use time::macros::datetime;

    async fn write(file: &Path, lines: &[(i64, &str)]) {
        let mut frame = Frames::new();
        let line = |(second, text): &(i64, &str)| {
            Ok(CloudLogLine {
                at: datetime!(2026-05-01 10:00:00.000000001 UTC) + time::Duration::seconds(*second),
                text: (*text).to_owned(),
            })
        };
        let lines: Vec<_> = lines.iter().map(line).collect();
        frame.collect(futures_util::stream::iter(lines).boxed()).await;
        frame.append(file, "x").await;
    }

    #[tokio::test]
    async fn output_is_read_as_it_was_written_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let (service, instance) = (ServiceId::generate(), InstanceId::generate());
        let file = path(folder.path(), service, instance);
        write(&file, &[(0, "php|out|a"), (1, "b b"), (2, "")]).await;
        write(&file, &[(1, "b b"), (2, ""), (3, "after a restart")]).await;
        let lines = read(folder.path(), service, instance, Wanted::default()).await.unwrap().lines;
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["php|out|a", "b b", "", "after a restart"]);
        assert_eq!(lines[0].at.nanosecond(), 1);
        assert_eq!(
            read(folder.path(), service, instance, Wanted { tail: Some(1), ..Wanted::default() })
                .await
                .unwrap()
                .lines
                .len(),
            1
        );
        assert!(size(folder.path(), service, instance).await > 0);
        forget(folder.path(), service, instance).await.unwrap();
        assert_eq!(read(folder.path(), service, instance, Wanted::default()).await.unwrap(), Found::default());
    }

    #[tokio::test]
    async fn much_output_becomes_several_frames() {
        let folder = tempfile::tempdir().unwrap();
        let (service, instance) = (ServiceId::generate(), InstanceId::generate());
        let file = path(folder.path(), service, instance);
        let text = "x".repeat(1000);
        let lines: Vec<(i64, &str)> = (0..3_000).map(|second| (second, text.as_str())).collect();
        write(&file, &lines).await;
        let found = read(folder.path(), service, instance, Wanted::default()).await.unwrap();
        assert_eq!(found.lines.len(), 3_000);
        let newest = Wanted { tail: Some(1), ..Wanted::default() };
        let found = read(folder.path(), service, instance, newest).await.unwrap();
        assert_eq!((found.lines.len(), found.lines[0].at.minute(), found.more), (1, 49, true));
    }

    #[tokio::test]
    async fn what_a_crash_left_half_written_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let (service, instance) = (ServiceId::generate(), InstanceId::generate());
        let file = path(folder.path(), service, instance);
        write(&file, &[(0, "whole")]).await;
        let half = [std::fs::read(&file).unwrap().as_slice(), b"half"].concat();
        std::fs::write(file.with_extension("new"), half).unwrap();
        let texts = async || {
            let lines = read(folder.path(), service, instance, Wanted::default()).await.unwrap().lines;
            lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        assert_eq!(texts().await, ["whole"]);
        write(&file, &[(0, "whole"), (1, "again")]).await;
        assert_eq!(texts().await, ["whole", "again"]);
        assert!(!file.with_extension("new").exists());
    }

    #[tokio::test]
    async fn a_damaged_file_is_readable_up_to_there() {
        let folder = tempfile::tempdir().unwrap();
        let (service, instance) = (ServiceId::generate(), InstanceId::generate());
        let file = path(folder.path(), service, instance);
        write(&file, &[(0, "whole")]).await;
        let whole = std::fs::read(&file).unwrap();
        write(&file, &[(1, "cut")]).await;
        let both = std::fs::read(&file).unwrap();
        std::fs::write(&file, &both[..whole.len() + 5]).unwrap();
        let lines = read(folder.path(), service, instance, Wanted::default()).await.unwrap().lines;
        assert_eq!(lines.len(), 1);
    }
}
