//! Server-sent events: what happens, load, and logs. Cookies and tokens work as for every other GET.

pub mod events;
pub mod load;
pub mod logs;

use axum::{http::HeaderMap, response::sse::KeepAlive};
use std::time::Duration;

/// Signs of life, so that proxies and clients do not take a quiet stream for a dead one (most give up after 30 s or 60 s).
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long browsers wait before they come back. Shorter: a restart of the director meets all of them at once.
const RETRY: Duration = Duration::from_secs(2);

fn keep_alive() -> KeepAlive {
    KeepAlive::new().interval(KEEP_ALIVE)
}

/// Where a client that comes back wants to go on.
fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id").and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty())
}
