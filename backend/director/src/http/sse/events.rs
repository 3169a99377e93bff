//! `GET /api/v1/events`.

use super::{RETRY, keep_alive, last_event_id};
use crate::{
    http::{
        auth::{SignedIn, StreamSlot, while_allowed},
        extract::Query,
        problem::ApiError,
    },
    state::AppState,
};
use aerie_domain::views::{EventKind, EventView};
use aerie_usecases::EventFeed;
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
use std::convert::Infallible;
use utoipa::IntoParams;

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
    let reader = Reader { feed, _slot: slot };
    let hello = stream::once(async { Ok(Event::default().retry(RETRY).comment("welcome")) });
    let events = hello.chain(reader.into_stream()).take_until(soft.cancelled_owned());
    Ok(Sse::new(while_allowed(events, &state, actor, None)).keep_alive(keep_alive()))
}

struct Reader {
    feed: EventFeed,
    _slot: StreamSlot,
}

impl Reader {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut reader| Some((Ok(present(&reader.next().await?)), reader)))
    }

    /// The next event; nothing when the stream is over.
    async fn next(&mut self) -> Option<EventView> {
        match self.feed.next().await {
            Ok(event) => Some(event),
            Err(failure) => {
                // The database is away; the client comes back with the last id it got.
                failure.into_problem();
                None
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
