//! The newest lines of all sources, in the order of time.

use super::{
    LogReader, Source,
    positions::{Mark, Positions},
    sources::{self, Marked},
};
use aerie_cloud::LogsFrom;
use aerie_domain::{InstanceId, views::LogLine};
use aerie_usecases::{LoggedInstance, Outcome};
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use time::{Duration, OffsetDateTime};

/// Most text of one history. Larger: more memory per reader.
const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;

/// Lines among which those that match are looked for at first. More: each reader that picks lines waits longer; fewer: rare
/// ones are looked for more often.
const FIRST_LOOK: u32 = 1_000;

/// How many times as many the next time, when they were too few.
const LOOK_FACTOR: u32 = 8;

/// Beyond, everything there is.
const LAST_LOOK: u32 = 16_000;

/// The newest lines, oldest first.
pub struct History {
    pub(super) lines: Vec<(Source, Mark, LogLine)>,
    /// Where every source stood before the first of `lines`: the newest line that was left out.
    pub(super) before: Positions,
    /// Where every source stands after the last of `lines`, lines that did not match included.
    pub(super) after: Positions,
    /// Short ids of the removed instances whose kept output is in it to the end.
    pub(super) gone: BTreeSet<String>,
}

impl History {
    /// The lines alone.
    pub fn into_lines(self) -> Vec<LogLine> {
        self.lines.into_iter().map(|(_, _, line)| line).collect()
    }
}

/// Reads the history that the reader asks for.
pub async fn history(reader: &LogReader) -> Outcome<History> {
    let access = reader.state.usecases.log_access(&reader.actor, reader.service).await?;
    let mut newest = Newest::new(reader.tail() as usize);
    if reader.wants(&Source::Manager) {
        let limit = if reader.picks_lines() { super::MAX_TAIL } else { reader.tail() };
        let rows = reader.manager_lines(None, limit).await?;
        if let Some((Mark::Row(first), _)) = rows.first().filter(|_| rows.len() >= limit as usize) {
            newest.before.advance(&Source::Manager, Mark::Row(first - 1));
        }
        for row in rows {
            newest.take(reader, &Source::Manager, row);
        }
    }
    for instance in access.instances.iter().filter(|instance| reader.wants(&sources::instance(instance.id))) {
        read_instance(reader, instance, &mut newest).await;
    }
    Ok(newest.finish())
}

async fn read_instance(reader: &LogReader, instance: &LoggedInstance, newest: &mut Newest) {
    let source = sources::instance(instance.id);
    let kept = reader.kept_lines(instance.id, None, Some(reader.tail())).await;
    let after = kept.newest;
    if let Some((_, first)) = kept.lines.first().filter(|_| kept.more) {
        newest.before.advance(&source, Mark::Moment(first.at - Duration::NANOSECOND));
    }
    if let Some(after) = after {
        newest.after.advance(&source, Mark::Moment(after));
    }
    for line in kept.lines {
        newest.take(reader, &source, line);
    }
    if instance.removed_at.is_some() {
        newest.gone.insert(instance.short.clone());
        return;
    }
    // The engine gives the newest lines at once and takes a second for some ten thousand, so those that are picked are looked for
    // among few at first.
    let mut tail = Some(if reader.picks_lines() { reader.tail().max(FIRST_LOOK) } else { reader.tail() });
    loop {
        let look = look(reader, instance.id, LogsFrom { after, tail, follow: false }).await;
        let is_whole = tail.is_none_or(|tail| look.count < tail as usize);
        if is_whole || !reader.picks_lines() || look.matching.len() >= reader.tail() as usize {
            newest.take_look(reader, &source, tail, look);
            return;
        }
        tail = tail.map(|tail| tail.saturating_mul(LOOK_FACTOR)).filter(|tail| *tail <= LAST_LOOK);
    }
}

/// Lines of a container that were read.
#[derive(Default)]
struct Look {
    count: usize,
    first: Option<Marked>,
    last: Option<Mark>,
    matching: Vec<Marked>,
}

async fn look(reader: &LogReader, instance: InstanceId, from: LogsFrom) -> Look {
    let mut lines = reader.container_lines(instance, from);
    let mut look = Look::default();
    while let Some(line) = lines.next().await {
        match line {
            Ok(line) => {
                look.count += 1;
                look.first.get_or_insert_with(|| line.clone());
                look.last = Some(line.0);
                if reader.query.matches(&line.1) {
                    look.matching.push(line);
                }
            }
            Err(error) if sources::is_absent(&error) => break,
            Err(error) => {
                tracing::warn!(instance.id = %instance, error = crate::errors::chain(&error), "an instance's output cannot be read");
                break;
            }
        }
    }
    look
}

/// Keeps the newest lines within the limits.
struct Newest {
    limit: usize,
    bytes: usize,
    sequence: u64,
    kept: BTreeMap<(OffsetDateTime, Source, u64), (Mark, LogLine)>,
    before: Positions,
    after: Positions,
    gone: BTreeSet<String>,
}

impl Newest {
    fn new(limit: usize) -> Self {
        let (before, after) = (Positions::default(), Positions::default());
        Self { limit, bytes: 0, sequence: 0, kept: BTreeMap::new(), before, after, gone: BTreeSet::new() }
    }

    fn take_look(&mut self, reader: &LogReader, source: &Source, tail: Option<u32>, look: Look) {
        for line in look.matching {
            self.take(reader, source, line);
        }
        if let Some(last) = look.last {
            self.after.advance(source, last);
        }
        // Of as many lines as were asked for, older ones were left out: whoever resumes must not get them.
        if let (Some(tail), Some((_, first))) = (tail, look.first)
            && look.count >= tail as usize
        {
            self.before.advance(source, Mark::Moment(first.at - Duration::NANOSECOND));
        }
    }

    fn take(&mut self, reader: &LogReader, source: &Source, (mark, line): Marked) {
        self.after.advance(source, mark);
        if !reader.query.matches(&line) {
            return;
        }
        self.sequence += 1;
        self.bytes += line.text.len();
        self.kept.insert((line.at, source.clone(), self.sequence), (mark, line));
        while self.kept.len() > self.limit || self.bytes > MAX_TEXT_BYTES {
            let Some(((_, source, _), (mark, line))) = self.kept.pop_first() else { break };
            self.bytes -= line.text.len();
            self.before.advance(&source, mark);
        }
    }

    fn finish(self) -> History {
        let lines = self.kept.into_iter().map(|((_, source, _), (mark, line))| (source, mark, line)).collect();
        History { lines, before: self.before, after: self.after, gone: self.gone }
    }
}
