//! A handler that panics answers 500 and nothing else suffers.

use crate::http::problem::ApiError;
use aerie_domain::ProblemCode;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;

/// The layer.
pub fn layer() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(answer as fn(Box<dyn Any + Send>) -> Response)
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's trait fixes the signature")]
fn answer(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic.message = message, "a request handler panicked");
    ApiError::new(
        ProblemCode::Internal,
        "Nothing was lost. Try again, and tell your administrator the request's number if it stays.",
    )
    .into_response()
}
