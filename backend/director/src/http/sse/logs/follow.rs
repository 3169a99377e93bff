//! `GET /api/v1/services/{id}/logs/stream`.

use super::LogParams;
use crate::{
    http::{
        auth::{SignedIn, while_allowed},
        extract::{Path, Query},
        problem::ApiError,
        sse::{RETRY, keep_alive, last_event_id},
    },
    logs::{Item, LogReader, follow},
    state::AppState,
};
use aerie_domain::ServiceId;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse,
        sse::{Event, Sse},
    },
};
use futures_util::{StreamExt, stream};
use std::convert::Infallible;
use tokio_stream::wrappers::ReceiverStream;

/// The log of a service: the newest lines, then lines as they are written.
///
/// Server-sent events: `line` with a `LogLine`, `history-end` once, `gap` where lines are missing because the reader
/// was too slow, `end` when the service is gone. The id is the place to go on from (`Last-Event-ID`).
#[utoipa::path(
    get,
    path = "/services/{id}/logs/stream",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service"), LogParams),
    responses((status = 200, description = "The stream.", content_type = "text/event-stream", body = String))
)]
pub async fn follow_logs(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Query(params): Query<LogParams>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let slot = state.streams.take(actor.user)?;
    let resume = last_event_id(&headers).or(params.after.as_deref()).map(str::to_owned);
    let reader = LogReader::new(state.clone(), actor.clone(), id, params.query()?);
    let items = follow(reader, resume.as_deref()).await?;
    let hello = stream::once(async { Ok(Event::default().retry(RETRY).comment("welcome")) });
    let events = ReceiverStream::new(items).map(move |item| {
        // The slot lives as long as the stream.
        let _held = &slot;
        Ok::<_, Infallible>(present(&item))
    });
    Ok(Sse::new(while_allowed(hello.chain(events), &state, actor, Some(id))).keep_alive(keep_alive()))
}

fn present(item: &Item) -> Event {
    match item {
        Item::Line(line, cursor) => {
            Event::default().event("line").id(cursor).data(serde_json::to_string(line).unwrap_or_default())
        }
        // Browsers ignore events without data.
        Item::HistoryEnd(cursor) => Event::default().event("history-end").id(cursor).data("{}"),
        Item::Gap(cursor) => Event::default().event("gap").id(cursor).data("{}"),
        Item::End => Event::default().event("end").data("{}"),
    }
}
