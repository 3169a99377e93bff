//! History, then lines as they are written.
//!
//! Guarantees: a reader that comes back with the id of the last item it got receives every later line once. A reader
//! that is too slow gets [`Item::Gap`] in place of the lines it missed, never an endless queue. Instances that appear
//! are picked up, instances that go away are read to their end.

use super::{
    LogReader, Source,
    history::history,
    positions::{Mark, Positions},
    sources::{self, Marked},
};
use aerie_cloud::{CloudError, LogsFrom};
use aerie_domain::{ProblemCode, views::LogLine};
use aerie_store::Signal;
use aerie_usecases::{Failure, Outcome};
use futures_util::stream::BoxStream;
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, sleep_until},
};
use tokio_stream::StreamMap;

/// Items that wait for a slow reader. Larger: more memory per reader; smaller: more gaps in bursts.
const QUEUE: usize = 2_000;
/// Pause between two looks for new instances and manager lines without a signal. Longer: later lines.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// After a signal, so that a burst of signals is one look.
const LOOK_SOON: Duration = Duration::from_millis(150);
/// Manager lines fetched at once.
const MANAGER_BATCH: u32 = 1_000;
/// Lines of instances taken at once when so many are there. More: signals wait longer; fewer: a burst costs more per line.
const READY: usize = 256;

/// What a reader gets. Every item but the last carries the cursor to come back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A line.
    Line(Box<LogLine>, String),
    /// Everything before was history.
    HistoryEnd(String),
    /// Lines are missing here.
    Gap(String),
    /// The service is gone.
    End,
}

/// Starts reading; refuses before anything is read. The reading ends when the receiver is dropped, which is also how it
/// ends when the right to it does.
pub async fn follow(reader: LogReader, resume: Option<&str>) -> Outcome<mpsc::Receiver<Item>> {
    let resumed = match resume {
        Some(text) => Some(text.parse::<Positions>().map_err(|_| {
            Failure::Refused(aerie_domain::Problem::field("Last-Event-ID", "must be the id of a log event"))
        })?),
        None => None,
    };
    // Asked here so that a stranger gets 404 and not an empty stream.
    reader.state.usecases.log_access(&reader.actor, reader.service).await?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let lifecycle = reader.state.lifecycle.clone();
    let signals = reader.state.listener.subscribe();
    let pump = Pump {
        reader,
        sender,
        signals,
        positions: Positions::default(),
        streams: StreamMap::new(),
        finished: BTreeSet::new(),
        missed: false,
    };
    lifecycle.spawn(pump.run(resumed));
    Ok(receiver)
}

/// The reader is gone, or has been told that this is the end.
struct Over;

struct Pump {
    reader: LogReader,
    sender: mpsc::Sender<Item>,
    signals: broadcast::Receiver<Signal>,
    positions: Positions,
    streams: StreamMap<String, BoxStream<'static, Result<Marked, CloudError>>>,
    /// Removed instances that were read to their end.
    finished: BTreeSet<String>,
    /// Lines were dropped since the last item.
    missed: bool,
}

impl Pump {
    async fn run(mut self, resumed: Option<Positions>) {
        let (soft, sender) = (self.reader.state.lifecycle.soft().clone(), self.sender.clone());
        // Dropping the work at any point loses nothing that was promised: the reader comes back with the last id it got.
        tokio::select! {
            () = soft.cancelled() => {}
            () = sender.closed() => {}
            Over = self.work(resumed) => {}
        }
    }

    async fn work(&mut self, resumed: Option<Positions>) -> Over {
        let started = match resumed {
            Some(positions) => {
                self.positions = positions;
                self.send(Item::HistoryEnd).await
            }
            None => self.replay().await,
        };
        match started {
            Ok(()) => self.live().await,
            Err(over) => over,
        }
    }

    /// Sends the history. Waits for slow readers: it is bounded.
    async fn replay(&mut self) -> Result<(), Over> {
        let history = match history(&self.reader).await {
            Ok(history) => history,
            // Without history there is nothing to go on from; the reader tries again.
            Err(failure) => return self.fail(failure).await.and(Err(Over)),
        };
        self.finished = history.gone;
        self.positions = history.before;
        for (source, mark, line) in history.lines {
            self.positions.advance(&source, mark);
            self.send(|cursor| Item::Line(Box::new(line), cursor)).await?;
        }
        self.positions = history.after;
        self.send(Item::HistoryEnd).await
    }

    async fn live(&mut self) -> Over {
        let mut look_at = Instant::now();
        let mut ready = Vec::with_capacity(READY);
        loop {
            // `next_many` and `recv` are cancel-safe, the sleeps are made anew from their deadlines.
            tokio::select! {
                _ = self.streams.next_many(&mut ready, READY), if !self.streams.is_empty() => {
                    for (short, line) in ready.drain(..) {
                        if self.take(short, line).is_err() { return Over }
                    }
                }
                signal = self.signals.recv() => {
                    if self.concerns(&signal) {
                        look_at = look_at.min(Instant::now() + LOOK_SOON);
                    }
                    if matches!(signal, Err(broadcast::error::RecvError::Closed)) { return Over; }
                }
                () = sleep_until(look_at) => {
                    if let Err(failure) = self.look().await && self.fail(failure).await.is_err() { return Over; }
                    if self.tell_gap().is_err() { return Over; }
                    look_at = Instant::now() + LOOK_EVERY;
                }
            }
        }
    }

    fn take(&mut self, short: String, line: Result<Marked, CloudError>) -> Result<(), Over> {
        match line {
            Ok(line) => self.offer(&Source::Instance(short), line),
            Err(error) => {
                if !sources::is_absent(&error) {
                    tracing::warn!(error = crate::errors::chain(&error), "an instance's output broke off");
                }
                // Opened again from its position at the next look, if it is still there.
                self.streams.remove(&short);
                Ok(())
            }
        }
    }

    fn concerns(&self, signal: &Result<Signal, broadcast::error::RecvError>) -> bool {
        match signal {
            Ok(Signal::Service(service)) => *service == self.reader.service,
            Ok(Signal::Config(_)) => false,
            Ok(Signal::Events | Signal::Resync) | Err(_) => true,
        }
    }

    /// Looks for manager lines, new instances, and instances that went away.
    async fn look(&mut self) -> Outcome<()> {
        if self.reader.wants(&Source::Manager) {
            let rows =
                self.reader.manager_lines(Some(self.positions.manager.unwrap_or_default()), MANAGER_BATCH).await?;
            for row in rows {
                if self.offer(&Source::Manager, row).is_err() {
                    return Ok(());
                }
            }
        }
        let access = self.reader.state.usecases.log_access(&self.reader.actor, self.reader.service).await?;
        for instance in access.instances {
            let short = instance.short;
            let source = Source::Instance(short.clone());
            // A stream that is open is read to its end before the kept output is looked at.
            if !self.reader.wants(&source) || self.streams.contains_key(&short) || self.finished.contains(&short) {
                continue;
            }
            let kept = self.reader.kept_lines(instance.id, self.positions.of(&short), None).await;
            for line in kept.lines {
                if self.offer(&source, line).is_err() {
                    return Ok(());
                }
            }
            if let Some(newest) = kept.newest {
                self.positions.advance(&source, Mark::Moment(newest));
            }
            if instance.removed_at.is_some() {
                self.finished.insert(short);
                continue;
            }
            let from = LogsFrom { after: self.positions.of(&short), tail: None, follow: true };
            self.streams.insert(short, self.reader.container_lines(instance.id, from));
        }
        Ok(())
    }

    /// Sends a live line if it matches; drops it, and remembers that, when the reader is too slow.
    fn offer(&mut self, source: &Source, (mark, line): Marked) -> Result<(), Over> {
        self.positions.advance(source, mark);
        if !self.reader.query.matches(&line) {
            return Ok(());
        }
        self.tell_gap()?;
        if self.missed {
            return Ok(());
        }
        match self.sender.try_send(Item::Line(Box::new(line), self.positions.to_string())) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.missed = true;
                Ok(())
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Over),
        }
    }

    /// Tells the reader that lines are missing, as soon as there is room to say so.
    fn tell_gap(&mut self) -> Result<(), Over> {
        if self.missed {
            match self.sender.try_send(Item::Gap(self.positions.to_string())) {
                Ok(()) => self.missed = false,
                Err(mpsc::error::TrySendError::Full(_)) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => return Err(Over),
            }
        }
        Ok(())
    }

    async fn send(&mut self, item: impl FnOnce(String) -> Item) -> Result<(), Over> {
        self.sender.send(item(self.positions.to_string())).await.map_err(|_| Over)
    }

    /// A service that is gone ends the stream; a database that is away for a moment does not.
    async fn fail(&mut self, failure: Failure) -> Result<(), Over> {
        match failure.into_problem().code {
            ProblemCode::NotFound | ProblemCode::NotSignedIn | ProblemCode::NotAllowed => Err(self.end().await),
            _ => Ok(()),
        }
    }

    async fn end(&mut self) -> Over {
        // A reader that is gone already needs no end.
        let _ = self.sender.send(Item::End).await;
        Over
    }
}
