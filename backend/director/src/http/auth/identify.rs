//! The middleware that finds out who asks.

use super::{client::client_info, session};
use crate::{http::problem::ApiError, state::AppState};
use aerie_usecases::{Actor, ClientInfo};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_sessions::Session;

/// The middleware.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let client = client_info(&request, &state.config);
    match who(&state, &request, &client).await {
        Ok(actor) => {
            request.extensions_mut().insert::<Option<Actor>>(actor);
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

async fn who(state: &AppState, request: &Request, client: &ClientInfo) -> Result<Option<Actor>, ApiError> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        // Somebody who sends a token means the token: no falling back to a cookie when it is refused.
        let Some(secret) = bearer(request.headers()) else { return Ok(None) };
        return Ok(state.usecases.actor_for_token(secret, &client.address).await?);
    }
    // The session layer sets an id only when the request has a cookie.
    match request.extensions().get::<Session>() {
        Some(session) if session.id().is_some() => session::actor(state, session, client).await,
        _ => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}
