//! `GET /api/v1/events`.

use super::{RETRY, keep_alive, last_event_id};
use crate::{
    http::{
        auth::{SignedIn, StreamSlot},
        extract::Query,
        problem::ApiError,
    },
    state::AppState,
};
use aerie_domain::views::{EventKind, EventView};
use aerie_usecases::{Actor, EventFeed};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse,
        sse::{Event, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;

/// How often it is checked that the session or token still opens anything.
const CHECK_EVERY: Duration = Duration::from_secs(4);

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// Id of the last event that was seen; for clients that cannot send `Last-Event-ID`.
    after: Option<String>,
}

/// What happens to your applications and services, as it happens.
///
/// Server-sent events: the event's name is the kind, its data an `EventView`, its id the place to go on from
/// (`Last-Event-ID`). After a `gap`, fetch everything again.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(From),
    responses((status = 200, description = "The stream.", content_type = "text/event-stream", body = String))
)]
pub async fn follow_events(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let slot = state.streams.take(actor.user)?;
    let after = last_event_id(&headers).or(from.after.as_deref());
    let feed = state.usecases.events(&actor, after, &state.listener).await?;
    let soft = state.lifecycle.soft().clone();
    let reader = Reader { state, actor, feed, check_at: Instant::now() + CHECK_EVERY, _slot: slot };
    let hello = stream::once(async { Ok(Event::default().retry(RETRY).comment("welcome")) });
    Ok(Sse::new(hello.chain(reader.into_stream()).take_until(soft.cancelled_owned())).keep_alive(keep_alive()))
}

struct Reader {
    state: AppState,
    actor: Actor,
    feed: EventFeed,
    check_at: Instant,
    _slot: StreamSlot,
}

impl Reader {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut reader| Some((Ok(present(&reader.next().await?)), reader)))
    }

    /// The next event; nothing when the stream is over.
    async fn next(&mut self) -> Option<EventView> {
        loop {
            // `EventFeed::next` is cancel-safe by its contract, the sleep is made anew from its deadline.
            tokio::select! {
                event = self.feed.next() => match event {
                    Ok(event) => return Some(event),
                    // The database is away; the client comes back with the last id it got.
                    Err(failure) => { failure.into_problem(); return None; }
                },
                () = sleep_until(self.check_at) => {
                    if !self.state.usecases.actor_still_valid(&self.actor).await {
                        return None;
                    }
                    self.check_at = Instant::now() + CHECK_EVERY;
                }
            }
        }
    }
}

fn present(view: &EventView) -> Event {
    let name = match view.kind {
        EventKind::Application => "application",
        EventKind::Service => "service",
        EventKind::Instance => "instance",
        EventKind::Operation => "operation",
        EventKind::Account => "account",
        EventKind::Gap => "gap",
    };
    let data = serde_json::to_string(view).unwrap_or_default();
    Event::default().event(name).id(&view.id).data(data)
}
