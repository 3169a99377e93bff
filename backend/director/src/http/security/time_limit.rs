//! Ends requests for pages that would never be answered.

use crate::http::problem::ApiError;
use aerie_domain::ProblemCode;
use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// A page is rendered in some 20 ms. Larger: a page that hangs is waited for in vain; smaller: a busy machine refuses pages
/// that would have come.
const LIMIT: Duration = Duration::from_secs(30);

/// The middleware. Not for streams and uploads, which take as long as they take.
pub async fn limit_time(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let Ok(response) = tokio::time::timeout(LIMIT, next.run(request)).await else {
        tracing::error!(http.path = path, "a page was not ready in time");
        return ApiError::new(ProblemCode::Unavailable, "This took too long. Try again.").into_response();
    };
    response
}
