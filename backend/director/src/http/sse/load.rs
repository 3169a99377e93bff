//! `GET /api/v1/services/{id}/load/stream`.

use super::{RETRY, keep_alive};
use crate::{
    http::{
        auth::{SignedIn, StreamSlot},
        extract::{Path, Query},
        problem::ApiError,
    },
    state::AppState,
};
use aerie_domain::{
    Problem, ServiceId,
    views::{LoadQuery, LoadView},
};
use aerie_usecases::Actor;
use axum::{
    extract::State,
    response::{
        IntoResponse,
        sse::{Event, Sse},
    },
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::{convert::Infallible, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::IntoParams;

/// How often to look for points that are over, and whether the reader may still see them. Longer: later points, and a
/// stream that outlives its right; shorter: more queries per open page.
const LOOK_EVERY: Duration = Duration::from_millis(2500);

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// Where the points that are there already end: `to` of an earlier answer. Without it, the stream begins with the
    /// last five minutes.
    after: Option<String>,
}

/// The load of a service, as it is measured: every five seconds one more point.
///
/// Server-sent events named `load`, each a `LoadView` whose points come right after those of the one before.
#[utoipa::path(
    get,
    path = "/services/{id}/load/stream",
    tag = "load",
    params(("id" = ServiceId, Path, description = "Service"), From),
    responses((status = 200, description = "The stream.", content_type = "text/event-stream", body = String))
)]
pub async fn follow_load(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(service): Path<ServiceId>,
    Query(from): Query<From>,
) -> Result<impl IntoResponse, ApiError> {
    let slot = state.streams.take(actor.user)?;
    let after = match from.after.as_deref() {
        Some(text) => OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339)
            .map_err(|_| Problem::field("after", "must be the to of an earlier answer"))?,
        None => OffsetDateTime::UNIX_EPOCH,
    };
    // Refuses before the stream begins; longer gaps than a window of points are not worth filling.
    let recent = state.usecases.load(&actor, service, &LoadQuery::default()).await?;
    let (first, end) = if after < recent.from { (Some(&recent), recent.to) } else { (None, after.min(recent.to)) };
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let soft = state.lifecycle.soft().clone();
    let reader = Reader { state, actor, service, end, ticks, _slot: slot };
    let hello = stream::once(async { Event::default().retry(RETRY).comment("welcome") });
    let first = stream::iter(first.map(present));
    let events = hello.chain(first).chain(reader.into_stream()).map(Ok::<_, Infallible>);
    Ok(Sse::new(events.take_until(soft.cancelled_owned())).keep_alive(keep_alive()))
}

struct Reader {
    state: AppState,
    actor: Actor,
    service: ServiceId,
    end: OffsetDateTime,
    ticks: Interval,
    _slot: StreamSlot,
}

impl Reader {
    fn into_stream(self) -> impl Stream<Item = Event> {
        stream::unfold(self, async |mut reader| Some((present(&reader.next().await?), reader)))
    }

    /// The next points; nothing when the stream is over: the right is gone, the service is, or the database is away and
    /// the client comes back by itself.
    async fn next(&mut self) -> Option<LoadView> {
        loop {
            self.ticks.tick().await;
            if !self.state.usecases.actor_still_valid(&self.actor).await {
                return None;
            }
            match self.state.usecases.load_after(&self.actor, self.service, self.end).await {
                Ok(view) if view.points == 0 => {}
                Ok(view) => {
                    self.end = view.to;
                    return Some(view);
                }
                Err(failure) => {
                    failure.into_problem();
                    return None;
                }
            }
        }
    }
}

fn present(view: &LoadView) -> Event {
    Event::default().event("load").data(serde_json::to_string(view).unwrap_or_default())
}
