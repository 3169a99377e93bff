//! The outermost layer: gives every request an id, logs it once, writes refusals and the headers that every answer has.

use super::{
    problem::{Reader, present},
    security::{CspNonce, headers},
};
use crate::metrics::Metrics;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use std::time::Instant;
use tracing::Instrument;

/// Names the request in the answer and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware.
pub async fn observe(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = aerie_domain::OperationId::generate().0.simple().to_string();
    let nonce = CspNonce::generate();
    let reader = Reader::of(&request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(nonce.clone());
    let span = tracing::info_span!("request", request.id = %id);
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = present(response, reader, &id, nonce.as_str());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    headers::add(&mut response, &nonce);
    let status = response.status().as_u16();
    metrics.request(route.as_ref().map_or("", MatchedPath::as_str), &method, status, started.elapsed());
    let took_ms = started.elapsed().as_millis();
    let _entered = span.entered();
    if status >= 500 {
        tracing::warn!(http.method = %method, http.path = %path, http.status = status, took_ms, "{method} {path} → {status}");
    } else if path.starts_with("/static/")
        || path.starts_with("/pkg/")
        || matches!(path.as_str(), "/healthz" | "/readyz")
    {
        tracing::debug!(http.method = %method, http.path = %path, http.status = status, took_ms, "{method} {path} → {status}");
    } else {
        tracing::info!(http.method = %method, http.path = %path, http.status = status, took_ms, "{method} {path} → {status}");
    }
    response
}
