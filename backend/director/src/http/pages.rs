//! The pages: rendered by `aerie-frontend`, mounted here with what they need in context.

use super::{auth::session_control, problem::ApiError, security::CspNonce};
use crate::state::AppState;
use aerie_frontend::{App, DirectorUrl, shell};
use aerie_usecases::{Actor, ClientInfo};
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use leptos::{
    nonce::Nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use std::sync::LazyLock;

/// The pages. Found out once per process and before any page is rendered: while leptos does that, resources of pages that are
/// being rendered never load, also afterwards (leptos issue 4773).
static LISTING: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// Paths of all pages.
pub fn paths() -> impl Iterator<Item = &'static str> {
    LISTING.iter().map(AxumRouteListing::path)
}

/// Routes of all pages and server functions.
pub fn routes(state: &AppState) -> Router<AppState> {
    Router::new().route("/fn/{*function}", post(server_function)).leptos_routes_with_context(
        state,
        LISTING.clone(),
        context(state),
        shell,
    )
}

async fn server_function(State(state): State<AppState>, request: Request) -> Response {
    leptos_axum::handle_server_fns_with_context(context(&state), request).await.into_response()
}

/// Whatever is no route: below `/api` a refusal for programs, elsewhere the pages' own "not found".
pub async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    if request.uri().path().starts_with("/api") || request.uri().path().starts_with("/fn") {
        return ApiError::no_such_route().into_response();
    }
    let render = leptos_axum::render_app_async_with_context(context(&state), shell);
    let mut response = render(request).await.into_response();
    if response.status().is_success() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// What pages and server functions find in their context. Runs once per request, after the request's parts are there.
fn context(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let state = state.clone();
    move || {
        provide_context(state.usecases.clone());
        provide_context(state.assets.clone());
        provide_context(DirectorUrl(state.config.public_url.as_str().to_owned()));
        let Some(parts) = use_context::<Parts>() else { return };
        provide_context(parts.extensions.get::<Option<Actor>>().cloned().flatten());
        provide_context(parts.extensions.get::<ClientInfo>().cloned().unwrap_or_default());
        if let Some(nonce) = parts.extensions.get::<CspNonce>() {
            provide_context(Nonce::from_value(nonce.as_str()));
        }
        if let Some(session) = session_control(&state.store, &parts) {
            provide_context(session);
        }
    }
}
