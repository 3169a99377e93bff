//! `/api/v1/services/{id}/logs/stream`: a service's lines, history first, then as they are written.

use super::{
    LogBuffer, LogEntry,
    log_buffer::MAX_LINES,
    source::{Source, SourceState},
};
use aerie_domain::views::LogLine;
use leptos::prelude::*;
use std::{cell::RefCell, rc::Rc};

/// How a log stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogState {
    /// Scripts are off or not loaded yet.
    Off,
    /// Waiting for the history, or for the connection to come back.
    Connecting,
    /// Following.
    Live,
    /// The service is gone, or no longer ours to read.
    Ended,
}

/// A followed log.
#[derive(Clone, Copy)]
pub struct LogFeed {
    /// The lines to show.
    pub buffer: RwSignal<LogBuffer>,
    /// How the stream is.
    pub state: RwSignal<LogState>,
    /// New lines wait instead of showing.
    pub paused: RwSignal<bool>,
    /// How many wait.
    pub waiting: RwSignal<usize>,
}

/// Entries that came since the last frame.
#[derive(Default)]
struct Inbox {
    entries: Vec<LogEntry>,
    scheduled: bool,
    /// The next entries replace what the server rendered, which the stream's history repeats.
    fresh: bool,
}

/// Follows the log at `address`, beginning with `first`; another address begins anew. Before lines are added, `appended`
/// is told so, and whether they replace all that is there.
pub fn use_log_feed(first: Vec<LogLine>, address: Signal<String>, appended: Callback<bool>) -> LogFeed {
    let feed = LogFeed {
        buffer: RwSignal::new(LogBuffer::of_lines(first)),
        state: RwSignal::new(LogState::Off),
        paused: RwSignal::new(false),
        waiting: RwSignal::new(0),
    };
    Effect::new(move |_| {
        feed.state.set(LogState::Connecting);
        let Some(mut source) = Source::open(&address.get()) else { return };
        let inbox = Rc::new(RefCell::new(Inbox { fresh: true, ..Inbox::default() }));
        let receive = move |inbox: &Rc<RefCell<Inbox>>, entry: Option<LogEntry>| {
            let mut held = inbox.borrow_mut();
            held.entries.extend(entry);
            // Frames stop in hidden tabs; what would be dropped from the page anyway need not wait for one.
            let surplus = held.entries.len().saturating_sub(MAX_LINES);
            held.entries.drain(..surplus);
            if !held.scheduled {
                held.scheduled = true;
                let inbox = Rc::clone(inbox);
                request_animation_frame(move || flush(feed, &inbox, appended));
            }
        };
        let lines = Rc::clone(&inbox);
        source.on("line", move |data| {
            if let Ok(line) = serde_json::from_str::<LogLine>(&data) {
                receive(&lines, Some(LogEntry::Line(line)));
            }
        });
        let gaps = Rc::clone(&inbox);
        source.on("gap", move |_| receive(&gaps, Some(LogEntry::Gap)));
        let history = Rc::clone(&inbox);
        source.on("history-end", move |_| {
            receive(&history, None);
            _ = feed.state.try_set(LogState::Live);
        });
        let end = StoredValue::new_local(None::<Source>);
        source.on("end", move |_| {
            _ = feed.state.try_set(LogState::Ended);
            // Without closing it the browser would connect again and again.
            _ = end.try_set_value(None);
        });
        source.on_state(move |state| {
            let ended = feed.state.try_get_untracked() == Some(LogState::Ended);
            match state {
                SourceState::Retrying if !ended => _ = feed.state.try_set(LogState::Connecting),
                SourceState::Closed => _ = feed.state.try_set(LogState::Ended),
                SourceState::Open if !ended => _ = feed.state.try_set(LogState::Live),
                SourceState::Open | SourceState::Retrying => {}
            }
        });
        end.set_value(Some(source));
        // While paused lines stay in the inbox; going on shows them.
        let resumed = Rc::clone(&inbox);
        Effect::new(move |before: Option<bool>| {
            let paused = feed.paused.get();
            if before == Some(true) && !paused {
                flush(feed, &resumed, appended);
            }
            paused
        });
    });
    feed
}

/// Moves what came into the page, unless the reader paused it.
fn flush(feed: LogFeed, inbox: &Rc<RefCell<Inbox>>, appended: Callback<bool>) {
    let mut held = inbox.borrow_mut();
    held.scheduled = false;
    if feed.paused.try_get_untracked() != Some(false) {
        _ = feed.waiting.try_set(held.entries.len());
        return;
    }
    let entries = std::mem::take(&mut held.entries);
    let fresh = std::mem::take(&mut held.fresh);
    drop(held);
    _ = feed.waiting.try_set(0);
    if fresh || !entries.is_empty() {
        appended.run(fresh);
        _ = feed.buffer.try_update(|buffer| {
            if fresh {
                buffer.clear();
            }
            buffer.append(entries);
        });
    }
}
