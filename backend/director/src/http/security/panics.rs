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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::observe::observe;
    use crate::metrics::Metrics;
    use axum::{Router, body::Body, http::Request, middleware::from_fn_with_state, routing::get};
    use tower::ServiceExt;

    async fn broken() -> &'static str {
        panic!("secret detail")
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_tells_nothing_but_its_number() {
        let observe = from_fn_with_state(Metrics::default(), observe);
        let router = Router::new().route("/", get(broken)).layer(layer()).layer(observe);
        let answer = router.oneshot(Request::builder().uri("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(text.contains(&id) && !text.contains("secret"), "{text}");
    }
}
