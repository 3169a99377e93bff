//! Caps request bodies, declared or not.

use crate::http::problem::ApiError;
use aerie_domain::ProblemCode;
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::Limited;

/// Largest body of everything but uploads. Larger: more memory per request; smaller: settings with long texts fail.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The middleware.
pub async fn limit_body(request: Request, next: Next) -> Response {
    if request.body().size_hint().lower() > MAX_BODY_BYTES as u64 {
        return too_large().into_response();
    }
    let request = request.map(|body| Body::new(Limited::new(body, MAX_BODY_BYTES)));
    next.run(request).await
}

/// The refusal.
pub fn too_large() -> ApiError {
    ApiError::new(ProblemCode::TooLarge, format!("A request may have at most {} KiB.", MAX_BODY_BYTES / 1024))
}
