//! Refuses requests that another site makes a browser send. Programs send neither `Origin` nor `Sec-Fetch-Site` and
//! pass; they carry tokens, which a browser does not add by itself. GET passes always, so GET never changes anything.

use crate::http::problem::ApiError;
use aerie_domain::ProblemCode;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

/// The layer.
pub fn layer() -> CsrfLayer<fn(ProtectionError) -> Response> {
    CsrfLayer::new().with_rejection_response(refuse as fn(ProtectionError) -> Response)
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's trait fixes the signature")]
fn refuse(error: ProtectionError) -> Response {
    tracing::info!(error = %error, "a request from another site was refused");
    ApiError::new(
        ProblemCode::NotAllowed,
        "This request came from another site. Open the page again and repeat it there.",
    )
    .into_response()
}
