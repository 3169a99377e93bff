//! What happens to the actor's things, as a feed that can be resumed.

use crate::{Actor, Outcome, UseCases};
use aerie_domain::{
    Problem,
    views::{EventKind, EventView},
};
use aerie_store::{EventCursor, EventRow, Listener, Signal};
use async_recursion::async_recursion as boxed;
use std::{collections::VecDeque, time::Duration};
use tokio::{sync::broadcast, time::timeout};

/// Events fetched at once. Larger: fewer queries after a long absence, more memory per reader.
const BATCH: i64 = 200;
/// A reader this far behind is told to fetch everything again. Larger: longer replays.
const MAX_BEHIND: usize = 2_000;
/// Looks without a signal: notifications are only hints. Longer: later news when one was lost.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);

/// A feed of one user's events, oldest first.
pub struct EventFeed {
    use_cases: UseCases,
    actor: Actor,
    cursor: EventCursor,
    waiting: VecDeque<EventRow>,
    signals: broadcast::Receiver<Signal>,
    delivered_without_pause: usize,
}

impl UseCases {
    /// Id of the newest event: what is read after this was asked is not older.
    pub async fn newest_event(&self) -> Outcome<String> {
        Ok(self.store().events_head().await?.to_string())
    }

    /// Opens a feed: from just after the given event on (`Last-Event-ID`), or from now on.
    #[boxed]
    pub async fn events(&self, actor: &Actor, after: Option<&str>, listener: &Listener) -> Outcome<EventFeed> {
        // Subscribed before the first look, so that nothing falls between the two.
        let signals = listener.subscribe();
        let cursor = match after {
            Some(text) => text.parse().map_err(|_| Problem::field("Last-Event-ID", "must be the id of an event"))?,
            None => self.store().events_head().await?,
        };
        Ok(EventFeed {
            use_cases: self.clone(),
            actor: actor.clone(),
            cursor,
            waiting: VecDeque::new(),
            signals,
            delivered_without_pause: 0,
        })
    }
}

impl EventFeed {
    /// Waits for the next event. Cancel-safe: an event is only gone from the feed once it was returned.
    pub async fn next(&mut self) -> Outcome<EventView> {
        loop {
            if let Some(row) = self.waiting.pop_front() {
                self.cursor = row.cursor;
                self.delivered_without_pause += 1;
                return Ok(present(&row));
            }
            let rows = self.use_cases.store().events_after(self.actor.user, Some(self.cursor), BATCH).await?;
            if rows.is_empty() {
                self.delivered_without_pause = 0;
                // Lagged, closed and timed out all mean the same: look again.
                let signal = timeout(LOOK_ANYWAY, self.signals.recv()).await;
                if matches!(signal, Ok(Err(broadcast::error::RecvError::Closed))) {
                    tokio::time::sleep(LOOK_ANYWAY).await;
                }
            } else if self.delivered_without_pause > MAX_BEHIND {
                self.cursor = self.use_cases.store().events_head().await?;
                self.delivered_without_pause = 0;
                return Ok(self.gap());
            } else {
                self.waiting = rows.into();
            }
        }
    }

    /// Tells the reader to fetch everything again.
    fn gap(&self) -> EventView {
        EventView {
            id: self.cursor.to_string(),
            kind: EventKind::Gap,
            application_id: None,
            service_id: None,
            at: time::OffsetDateTime::now_utc(),
        }
    }
}

fn present(row: &EventRow) -> EventView {
    EventView {
        id: row.cursor.to_string(),
        kind: row.kind,
        application_id: row.application_id,
        service_id: row.service_id,
        at: row.at,
    }
}
