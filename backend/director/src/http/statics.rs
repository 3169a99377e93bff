//! Files: `/static/` (as in the repository) and `/pkg/` (the built pages, whose names carry a digest).

use crate::{http::problem::ApiError, state::AppState};
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::path::Path;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

/// A name with a digest never changes its content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Asked again each time; the answer is usually "not modified".
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Both folders.
pub fn routes(static_dir: &Path, pkg_dir: &Path) -> Router<AppState> {
    Router::new().nest_service("/static", folder(static_dir, ASK_AGAIN)).nest_service("/pkg", folder(pkg_dir, FOR_EVER))
}

fn folder(path: &Path, cache: HeaderValue) -> Router {
    let files = ServeDir::new(path).precompressed_br().precompressed_gzip().append_index_html_on_directories(false);
    let only_good = move |response: &Response| (response.status() == StatusCode::OK).then(|| cache.clone());
    Router::new()
        .fallback_service(files)
        .layer(axum::middleware::map_response(explain))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, only_good))
}

async fn explain(response: Response) -> Response {
    if response.status() == StatusCode::NOT_FOUND { ApiError::no_such_route().into_response() } else { response }
}
