//! The output of one simulated container.

use crate::{CloudLogLine, LogsFrom};
use futures_util::{Stream, stream};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

/// Lines in the order of their time stamps, which are all different.
#[derive(Debug, Clone)]
pub(super) struct Log {
    lines: Arc<Mutex<Vec<CloudLogLine>>>,
    /// `true` once no more lines will come.
    ended: Arc<watch::Sender<bool>>,
}

struct Reader {
    log: Log,
    changes: watch::Receiver<bool>,
    ready: VecDeque<CloudLogLine>,
    next: usize,
    follow: bool,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { lines: Arc::default(), ended: Arc::new(watch::Sender::new(false)) }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<CloudLogLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self, now: OffsetDateTime, text: &str) {
        {
            let mut lines = self.lines();
            let after_last = lines.last().map_or(now, |last| last.at + Duration::NANOSECOND);
            lines.push(CloudLogLine { at: now.max(after_last), text: text.to_owned() });
        }
        self.ended.send_modify(|_| ());
    }

    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    pub(super) fn read(self, from: LogsFrom) -> impl Stream<Item = CloudLogLine> + Send + 'static {
        let changes = self.ended.subscribe();
        let (ready, next) = {
            let lines = self.lines();
            let first = from.after.map_or(0, |after| lines.partition_point(|line| line.at <= after));
            let tail = from.tail.map_or(0, |tail| lines.len().saturating_sub(tail as usize));
            (lines[first.max(tail)..].iter().cloned().collect(), lines.len())
        };
        let reader = Reader { log: self, changes, ready, next, follow: from.follow };
        stream::unfold(reader, |mut reader| async move { Some((reader.line().await?, reader)) })
    }
}

impl Reader {
    async fn line(&mut self) -> Option<CloudLogLine> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if !self.follow {
                return None;
            }
            // Whether it ended is asked before the lines, so that the last ones are not missed.
            let ended = *self.changes.borrow_and_update();
            let fresh: Vec<_> = self.log.lines()[self.next..].to_vec();
            self.next += fresh.len();
            self.ready.extend(fresh);
            if self.ready.is_empty() && (ended || self.changes.changed().await.is_err()) {
                return None;
            }
        }
    }
}
