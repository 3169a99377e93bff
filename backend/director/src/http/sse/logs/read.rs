//! `GET /api/v1/services/{id}/logs`.

use super::LogParams;
use crate::{
    http::{
        api::answers::items,
        auth::SignedIn,
        extract::{Path, Query},
        problem::ApiError,
    },
    logs::{LogReader, history},
    state::AppState,
};
use aerie_domain::{
    ServiceId,
    views::{LogLine, LogSource, Page},
};
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use std::convert::Infallible;
use time::format_description::well_known::Rfc3339;

/// Lines of a text file unless told otherwise: a file is for keeping, so all there is.
const FILE_TAIL: u32 = 10_000;

/// The newest log lines of a service, oldest first.
///
/// From the manager and from all instances, those that are gone included. With `format=text`, a plain file.
#[utoipa::path(
    get,
    path = "/services/{id}/logs",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service"), LogParams),
    responses((status = 200, description = "The lines.", body = Page<LogLine>))
)]
pub async fn read_logs(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Query(params): Query<LogParams>,
) -> Result<Response, ApiError> {
    let mut query = params.query()?;
    let as_file = params.format.as_deref() == Some("text");
    if as_file {
        query.tail.get_or_insert(FILE_TAIL);
    }
    // Reading a history is as heavy as following one, so it counts as one.
    let _slot = state.streams.take(actor.user)?;
    let lines = history(&LogReader::new(state, actor, id, query)).await?.into_lines();
    Ok(if as_file { file(id, lines) } else { items(lines).into_response() })
}

fn file(service: ServiceId, lines: Vec<LogLine>) -> Response {
    let name = format!("attachment; filename=\"service-{}.log\"", service.short());
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    let lines = lines.into_iter().map(|line| Ok::<_, Infallible>(text(&line)));
    (headers, Body::from_stream(stream::iter(lines))).into_response()
}

fn text(line: &LogLine) -> String {
    let at = line.at.format(&Rfc3339).unwrap_or_default();
    let instance = if line.source == LogSource::Manager { "-" } else { line.instance.as_str() };
    format!("{at} {instance} {} {} {}\n", line.role, line.stream, line.text)
}
