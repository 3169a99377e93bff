//! `/api/v1/events`: what changed.

use super::source::{Source, SourceState};
use aerie_domain::views::{EventKind, EventView};
use leptos::prelude::*;
use std::{sync::Arc, time::Duration};

/// How the page hears of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Not at all: scripts are off or not loaded yet.
    Off,
    /// Not yet, or not for the moment.
    Connecting,
    /// By itself.
    Live,
}

/// Event names: the snake case of [`EventKind`].
const NAMES: [&str; 6] = ["application", "service", "instance", "operation", "account", "gap"];

/// Pause before opening a stream again that the server refused. Longer: the page stays stale longer after a restart of
/// the director. Shorter: more requests while it is down.
const REOPEN: Duration = Duration::from_secs(5);

/// Calls `changed` whenever something happened that concerns the page, or when events may have been missed. `seen` is the
/// newest event that the page's first data knows of. Tabs in the background let go of the stream: a browser opens only six
/// connections to a server over HTTP/1.1, all tabs together.
pub fn use_events(
    seen: Option<String>,
    concerns: impl Fn(&EventView) -> bool + Send + Sync + 'static,
    changed: Callback<()>,
) -> Signal<Connection> {
    let connection = RwSignal::new(Connection::Off);
    let attempt = RwSignal::new(0_u32);
    let visible = page_visible();
    let concerns = Arc::new(concerns);
    let seen = StoredValue::new(seen);
    Effect::new(move |_| {
        attempt.track();
        connection.set(Connection::Connecting);
        if !visible.get() {
            return;
        }
        // The first stream begins where the page's data ends. Later ones begin now.
        let gapless = seen.try_update_value(Option::take).flatten();
        let address = gapless.as_ref().map(|seen| format!("/api/v1/events?after={seen}"));
        let Some(mut source) = Source::open(address.as_deref().unwrap_or("/api/v1/events")) else { return };
        let gapless = StoredValue::new(gapless.is_some());
        for name in NAMES {
            let concerns = Arc::clone(&concerns);
            source.on(name, move |data| {
                let ours = match serde_json::from_str::<EventView>(&data) {
                    Ok(event) => matches!(event.kind, EventKind::Gap | EventKind::Account) || concerns(&event),
                    // An event we cannot read may concern us.
                    Err(_) => true,
                };
                if ours {
                    changed.run(());
                }
            });
        }
        source.on_state(move |state| {
            let now = if state == SourceState::Open { Connection::Live } else { Connection::Connecting };
            _ = connection.try_set(now);
            match state {
                SourceState::Open if gapless.try_update_value(std::mem::take).unwrap_or_default() => {}
                // Whatever happened while there was no connection is seen by looking again.
                SourceState::Open => changed.run(()),
                SourceState::Closed => set_timeout(move || _ = attempt.try_update(|n| *n += 1), REOPEN),
                SourceState::Retrying => {}
            }
        });
        // Owned by this run of the effect: closed when it runs again or its component goes.
        StoredValue::new_local(source);
    });
    connection.into()
}

/// Whether the tab can be seen.
pub(super) fn page_visible() -> Signal<bool> {
    let visible = RwSignal::new(true);
    Effect::new(move |_| {
        let handle = window_event_listener_untyped("visibilitychange", move |_| {
            _ = visible.try_set(!document().hidden());
        });
        on_cleanup(move || handle.remove());
    });
    // Only a change counts: some browsers repeat the event.
    Memo::new(move |_| visible.get()).into()
}
