//! The files of a volume, by short-lived containers that have the volume and nothing else: what a tenant has put there, links
//! included, leads nowhere but into such a container.
//!
//! A container answers with one word and what belongs to it, over the connection to the engine; nothing of it is kept as output.
//! It goes by itself when it has ended, or when nobody listens any more.

use super::{
    DockerCloud,
    client::{OPEN_LIMIT, call_within},
    errors::cloud_error,
    helper::{Ownership, Program, mount},
};
use crate::{Cloud, CloudError, CloudErrorKind, ContainerSpec, MOST_ENTRIES, Mount, VolumeFile, VolumeSpec};
use aerie_domain::{
    InstanceId, VolumePath,
    views::{VolumeEntryKind, VolumeEntryView, VolumeFolderView},
};
use bollard::{
    container::{AttachContainerResults, LogOutput},
    query_parameters::AttachContainerOptionsBuilder,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, future, stream};
use std::{io, time::Duration};
use time::OffsetDateTime;
use tokio::{io::AsyncWriteExt, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::ReceiverStream;

/// How long carrying a file may take, with whoever receives it. Longer: those that hang stay; shorter: large files on slow lines
/// are cut off.
const CARRY_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How long anything else may take. Longer: a tenant whose program fills a folder while it is removed keeps others waiting;
/// shorter: large folders take several tries to remove.
const QUICK_LIMIT: Duration = Duration::from_secs(120);

/// Pieces that wait for a slow receiver. More: memory; fewer: more switching to and fro.
const WAITING: usize = 8;

/// Longest first line of an answer.
const LONGEST_WORD: usize = 64;

/// Defines `at` as the real place of the first argument, and ends when that is not on the volume.
const FIND: &str = r#"
at=$(realpath -e -- "/mnt/$1" 2>/dev/null) || { echo missing; exit; }
case $at/ in /mnt/*) ;; *) echo missing; exit ;; esac
"#;

const LIST: &str = r#"
[ -d "$at" ] || { echo file; exit; }
echo folder
find -L "$at" -mindepth 1 -maxdepth 1 -printf '%y\t%s\t%T@\t%f\0' | head -z -n "$2"
printf 'end\0'
"#;

const READ: &str = r#"
[ -d "$at" ] && { echo folder; exit; }
[ -f "$at" ] && [ -r "$at" ] || { echo blocked; exit; }
size=$(stat -c %s -- "$at")
echo "file $size"
exec head -c "$size" -- "$at"
"#;

/// Defines `folder` as the real place of the folder of the first argument, and `at` as what is meant in it.
const FIND_PLACE: &str = r#"
folder=$(realpath -e -- "$(dirname -- "/mnt/$1")" 2>/dev/null) || { echo missing; exit; }
case $folder/ in /mnt/*) ;; *) echo missing; exit ;; esac
at=$folder/$(basename -- "/mnt/$1")
"#;

const MAKE_FOLDERS: &str = r#"
mkdir -p -- "$(dirname -- "/mnt/$1")" 2>/dev/null || { echo blocked; exit; }
"#;

/// The second argument is how many bytes come.
const WRITE: &str = r#"
[ -d "$at" ] && { echo folder; exit; }
part=$(mktemp "$folder/.upload-XXXXXXXX" 2>/dev/null) || { echo blocked; exit; }
fail() { rm -f -- "$part"; echo "$1"; exit; }
head -c "$2" >"$part" 2>/dev/null || fail full
[ "$(stat -c %s -- "$part")" = "$2" ] || fail short
chmod 0644 "$part"
mv -fT -- "$part" "$at" 2>/dev/null || fail blocked
echo done
"#;

const DELETE: &str = r#"
[ -e "$at" ] || [ -L "$at" ] || { echo missing; exit; }
rm -rf -- "$at" 2>/dev/null || { echo blocked; exit; }
echo done
"#;

/// What a container has said so far, and what comes yet.
struct Answer {
    word: String,
    begin: Bytes,
    rest: mpsc::Receiver<Result<Bytes, CloudError>>,
    ended: JoinHandle<()>,
}

impl DockerCloud {
    pub(super) async fn folder(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFolderView, CloudError> {
        // one more than is listed, to know whether there are more
        let most = (MOST_ENTRIES + 1).to_string();
        let answer = self.ask(volume, &[FIND, LIST], [path.as_str(), &most], None).await?;
        answer.expect("folder")?;
        let text = answer.whole().await?;
        let text = text.strip_suffix(b"end\0").ok_or_else(cut_off)?;
        let entries = text.split(|byte| *byte == 0).filter_map(entry).collect();
        Ok(VolumeFolderView::new(path.clone(), entries, MOST_ENTRIES))
    }

    pub(super) async fn read(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFile, CloudError> {
        let answer = self.ask(volume, &[FIND, READ], [path.as_str(), ""], None).await?;
        let told = answer.word.strip_prefix("file ").and_then(|size| size.parse().ok());
        let Some(bytes) = told else {
            answer.expect("file")?;
            return Err(cut_off());
        };
        Ok(VolumeFile { bytes, content: counted(answer.pieces(), bytes).boxed() })
    }

    pub(super) async fn write(
        &self,
        volume: &VolumeSpec,
        path: &VolumePath,
        file: VolumeFile,
    ) -> Result<(), CloudError> {
        let bytes = file.bytes.to_string();
        self.change(volume, &[MAKE_FOLDERS, FIND_PLACE, WRITE], [path.as_str(), &bytes], Some(file)).await
    }

    pub(super) async fn delete(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<(), CloudError> {
        self.change(volume, &[FIND_PLACE, DELETE], [path.as_str(), ""], None).await
    }

    async fn change(
        &self,
        volume: &VolumeSpec,
        script: &[&str],
        arguments: [&str; 2],
        input: Option<VolumeFile>,
    ) -> Result<(), CloudError> {
        if arguments[0].is_empty() {
            return Err(refusal("folder"));
        }
        let answer = self.ask(volume, script, arguments, input).await?;
        answer.expect("done")?;
        answer.whole().await.map(drop)
    }

    /// Runs a script with the volume at `/mnt`, and waits for its first line.
    async fn ask(
        &self,
        volume: &VolumeSpec,
        script: &[&str],
        arguments: [&str; 2],
        input: Option<VolumeFile>,
    ) -> Result<Answer, CloudError> {
        // one that nobody had yet is not there yet
        self.ensure_volume(volume).await?;
        let writes = !script.contains(&FIND);
        let carries = input.is_some() || script.contains(&READ);
        let mount = Mount { read_only: !writes, ..mount(volume, "/mnt") };
        let spec = self.helper(&format!("{}-files-{}", volume.name, InstanceId::generate().0.simple()), vec![mount]);
        let program = Program {
            script: script.concat(),
            arguments: arguments.map(ToOwned::to_owned).to_vec(),
            ownership: Ownership::Kept,
            talks: true,
        };
        let (to, rest) = mpsc::channel(WAITING);
        let cloud = self.clone();
        // A task of its own: whoever asks may go away at any moment, and the container must not stay.
        let ended = tokio::spawn(async move {
            let talking = async {
                match cloud.open(&spec, &program, input.is_some()).await {
                    Ok(attached) => pump(attached, input, &to).await,
                    Err(error) => drop(to.send(Err(error)).await),
                }
            };
            if timeout(if carries { CARRY_LIMIT } else { QUICK_LIMIT }, talking).await.is_err() {
                drop(to.try_send(Err(CloudError::new(CloudErrorKind::Transient, "it took too long"))));
            }
            drop(to);
            // Usually it has gone by itself, or is going.
            if let Err(error) = cloud.remove_container(&spec.name, Duration::ZERO).await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(container.name = spec.name, error, "a container for files goes by itself");
            }
        });
        Answer::begin(rest, ended).await
    }

    /// Makes a container, listens to it and starts it, in this order, or its first words would be missed.
    async fn open(
        &self,
        spec: &ContainerSpec,
        program: &Program,
        input: bool,
    ) -> Result<AttachContainerResults, CloudError> {
        let (engine, name) = (self.engine().await?, &spec.name);
        engine.create_helper(spec, program).await?;
        let options = AttachContainerOptionsBuilder::default().stream(true).stdin(input).stdout(true).build();
        let attaching = engine.docker.attach_container(name, Some(options));
        let attached = call_within(OPEN_LIMIT, "listening to a container for files", attaching).await?;
        let starting = engine.docker.start_container(name, None);
        call_within(OPEN_LIMIT, "starting a container for files", starting).await?;
        Ok(attached)
    }
}

impl Answer {
    /// Waits for the first line.
    async fn begin(
        mut rest: mpsc::Receiver<Result<Bytes, CloudError>>,
        ended: JoinHandle<()>,
    ) -> Result<Self, CloudError> {
        let mut said = BytesMut::new();
        let end = loop {
            if let Some(end) = said.iter().position(|byte| *byte == b'\n') {
                break end;
            }
            match rest.recv().await {
                Some(Ok(more)) if said.len() <= LONGEST_WORD => said.extend_from_slice(&more),
                Some(Err(error)) => return Err(error),
                _ => return Err(cut_off()),
            }
        };
        let word = String::from_utf8_lossy(&said.split_to(end)).into_owned();
        Ok(Self { word, begin: said.split_off(1).freeze(), rest, ended })
    }

    fn expect(&self, word: &str) -> Result<(), CloudError> {
        if self.word == word { Ok(()) } else { Err(refusal(&self.word)) }
    }

    fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let begin = stream::iter((!self.begin.is_empty()).then_some(Ok(self.begin)));
        begin.chain(ReceiverStream::new(self.rest).map_err(io::Error::other))
    }

    /// Everything after the first line, when the container is gone.
    async fn whole(mut self) -> Result<Vec<u8>, CloudError> {
        let mut text = self.begin.to_vec();
        while let Some(piece) = self.rest.recv().await {
            text.extend_from_slice(&piece?);
        }
        drop(self.ended.await);
        Ok(text)
    }
}

/// Carries what is to be written to the container, and what it says to the receiver; ends when either of them has gone.
async fn pump(
    attached: AttachContainerResults,
    input: Option<VolumeFile>,
    to: &mpsc::Sender<Result<Bytes, CloudError>>,
) {
    let AttachContainerResults { mut output, input: mut pipe } = attached;
    let feed = async {
        let mut content = input.map_or_else(|| stream::empty().boxed(), |file| file.content);
        // what does not come is missed at the other end, which counts
        while let Some(Ok(piece)) = content.next().await {
            if pipe.write_all(&piece).await.is_err() {
                break;
            }
        }
        drop(pipe.shutdown().await);
        future::pending::<()>().await;
    };
    let listen = async {
        while let Some(piece) = output.next().await {
            let piece = match piece {
                Ok(LogOutput::StdOut { message }) => Ok(message),
                Ok(_) => continue,
                Err(error) => Err(cloud_error("listening to a container for files", error)),
            };
            if to.send(piece).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = feed => {}
        () = listen => {}
        () = to.closed() => {}
    }
}

/// The same, with an error at its end when less came.
fn counted(
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    bytes: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let with_end = pieces.map_ok(Some).chain(stream::iter([Ok(None)]));
    with_end.scan(bytes, |left, piece| {
        future::ready(match piece {
            Ok(Some(piece)) => {
                *left = left.saturating_sub(piece.len() as u64);
                Some(Ok(piece))
            }
            Ok(None) if *left == 0 => None,
            Ok(None) => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Some(Err(error)),
        })
    })
}

/// One line of a listing.
fn entry(line: &[u8]) -> Option<VolumeEntryView> {
    let line = String::from_utf8_lossy(line);
    let mut fields = line.splitn(4, '\t');
    let (kind, size, seconds, name) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let kind = match kind {
        "d" => VolumeEntryKind::Folder,
        "f" => VolumeEntryKind::File,
        _ => VolumeEntryKind::Other,
    };
    let seconds = seconds.split('.').next()?.parse().ok()?;
    let modified_at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let size_bytes = if kind == VolumeEntryKind::File { size.parse().ok()? } else { 0 };
    Some(VolumeEntryView { name: name.to_owned(), kind, size_bytes, modified_at })
}

/// What a container's word means.
fn refusal(word: &str) -> CloudError {
    let (kind, message) = match word {
        "missing" => (CloudErrorKind::NotFound, "nothing is there"),
        "file" => (CloudErrorKind::Conflict, "it is a file, not a folder"),
        "folder" => (CloudErrorKind::Conflict, "it is a folder, not a file"),
        "blocked" => (CloudErrorKind::Conflict, "it cannot be opened or changed: something else is in its place"),
        "full" => (CloudErrorKind::Transient, "it could not be written: the disk may be full"),
        "short" => (CloudErrorKind::Transient, "not all of it came"),
        _ => return cut_off(),
    };
    CloudError::new(kind, message)
}

fn cut_off() -> CloudError {
    CloudError::new(CloudErrorKind::Transient, "the container for files ended too early")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]

    use super::*;

    #[test]
    fn listings_are_read_whatever_the_names_are() {
        let told = entry(b"f\t12\t1700000000.5000000000\ta\tb\nc\xff").unwrap();
        assert_eq!((told.name.as_str(), told.kind, told.size_bytes), ("a\tb\nc\u{fffd}", VolumeEntryKind::File, 12));
        assert_eq!(told.modified_at.unix_timestamp(), 1_700_000_000);
        assert_eq!(entry(b"l\t7\t-3.0\tx").unwrap().kind, VolumeEntryKind::Other);
        assert!(entry(b"").is_none() && entry(b"d\t1").is_none());
    }

    #[tokio::test]
    async fn content_that_ends_early_ends_with_an_error() {
        let pieces = |texts: &[&'static str]| {
            stream::iter(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect::<Vec<_>>())
        };
        let all: io::Result<Vec<Bytes>> = counted(pieces(&["ab", "c"]), 3).try_collect().await;
        assert_eq!(all.unwrap().concat(), b"abc");
        let cut: io::Result<Vec<Bytes>> = counted(pieces(&["ab"]), 3).try_collect().await;
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
