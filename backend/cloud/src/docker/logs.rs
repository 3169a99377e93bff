//! A container's output, line by line, with the engine's time stamps as cursor.

use super::{
    DockerCloud,
    client::{Engine, OPEN_LIMIT},
    errors::{cloud_error, timed_out},
};
use crate::{CloudError, CloudErrorKind, CloudLogLine, LogsFrom};
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::{
    StreamExt, TryStreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

type Lines = BoxStream<'static, Result<CloudLogLine, CloudError>>;

/// Opens when it is first read. Holds one line at a time: a slow reader slows the engine down, nothing piles up here.
pub(super) fn stream(cloud: DockerCloud, name: String, from: LogsFrom) -> Lines {
    stream::once(async move { cloud.engine().await?.open_logs(&name, from).await }).try_flatten().boxed()
}

/// Lines among which somebody who follows usually finds where he was. More: each reader that comes costs more; fewer: whoever
/// was away for a moment makes the engine go through everything.
const NEAR: u32 = 500;

impl Engine {
    async fn open_logs(&self, name: &str, from: LogsFrom) -> Result<Lines, CloudError> {
        let found = self.inspect_any(name).await?;
        let Some(found) = found.filter(|found| self.observe(found).is_some()) else {
            return Err(CloudError::new(CloudErrorKind::NotFound, format!("there is no container {name}")));
        };
        let id = found.id.as_deref().unwrap_or(name);
        if let LogsFrom { after: Some(after), tail: None, follow: true } = from {
            // The engine finds a moment by going through all lines, which takes a second for some ten thousand, and the newest
            // ones at once. If what it begins with is not after the moment, nothing is missing in between.
            let mut near = self.lines(id, name, LogsFrom { after: None, tail: Some(NEAR), follow: true });
            match near.next().await.transpose()? {
                Some(first) if first.at <= after => return Ok(later(near, after)),
                Some(_) => {}
                None => return Ok(near),
            }
        }
        let lines = self.lines(id, name, from);
        Ok(if from.follow { lines } else { limited(lines, name) })
    }

    fn lines(&self, id: &str, name: &str, from: LogsFrom) -> Lines {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            .follow(from.follow)
            // Whole seconds, rounded down; the lines up to the cursor itself are dropped below.
            .since(from.after.map_or(0, |after| i32::try_from(after.unix_timestamp()).unwrap_or(i32::MAX)))
            .tail(&from.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string()))
            .build();
        let what = format!("reading the output of container {name}");
        let output = self.for_streams().logs(id, Some(options)).map_err(move |error| cloud_error(&what, error));
        let lines = output.try_filter_map(|chunk| ready(Ok(parse(chunk.as_ref())))).boxed();
        match from.after {
            Some(after) => later(lines, after),
            None => lines,
        }
    }
}

fn later(lines: Lines, after: OffsetDateTime) -> Lines {
    lines.try_filter(move |line| ready(line.at > after)).boxed()
}

/// What does not follow must come to an end, or at least go on.
fn limited(lines: Lines, name: &str) -> Lines {
    let what = format!("reading the output of container {name}");
    tokio_stream::StreamExt::timeout(lines, OPEN_LIMIT)
        .map(move |item| item.unwrap_or_else(|_| Err(timed_out(&what, OPEN_LIMIT))))
        .scan(false, |failed, item| {
            let go_on = !*failed;
            *failed = item.is_err();
            ready(go_on.then_some(item))
        })
        .boxed()
}

/// `<time stamp> <text>`. The engine passes bytes on as they are, so what is not UTF-8 is replaced.
fn parse(chunk: &[u8]) -> Option<CloudLogLine> {
    let text = String::from_utf8_lossy(chunk);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let (at, text) = line.split_once(' ').unwrap_or((line, ""));
    let at = OffsetDateTime::parse(at, &Rfc3339).ok()?;
    Some(CloudLogLine { at, text: text.strip_suffix('\r').unwrap_or(text).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_nanoseconds() {
        let line = parse(b"2026-05-01T10:00:00.123456789Z php|out|hello world\n");
        let line = line.unwrap_or_else(|| CloudLogLine { at: OffsetDateTime::UNIX_EPOCH, text: String::new() });
        assert_eq!((line.at.nanosecond(), line.text.as_str()), (123_456_789, "php|out|hello world"));
    }

    #[test]
    fn odd_lines_survive() {
        let text = |bytes: &[u8]| parse(bytes).map(|line| line.text);
        assert_eq!(text(b"2026-05-01T10:00:00Z \n").as_deref(), Some(""));
        assert_eq!(text(b"2026-05-01T10:00:00Z a\xffb\r\n").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(text(b"2026-05-01T10:00:00Z  two  spaces").as_deref(), Some(" two  spaces"));
        assert_eq!(text(b"no time stamp\n"), None);
    }
}
