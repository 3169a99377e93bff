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
    // Taken out first: a request's body cannot be shared while we wait.
    let token = request.headers().contains_key(header::AUTHORIZATION).then(|| bearer(request.headers()));
    let session = request.extensions().get::<Session>().cloned();
    match who(&state, token, session, &client).await {
        Ok(actor) => {
            request.extensions_mut().insert::<Option<Actor>>(actor);
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// `token` is present when the request has an `Authorization` header, and holds its secret if it is one.
async fn who(
    state: &AppState,
    token: Option<Option<String>>,
    session: Option<Session>,
    client: &ClientInfo,
) -> Result<Option<Actor>, ApiError> {
    if let Some(token) = token {
        // Somebody who sends a token means the token: no falling back to a cookie when it is refused.
        let Some(secret) = token else { return Ok(None) };
        return Ok(state.usecases.actor_for_token(&secret, &client.address).await?);
    }
    // The session layer sets an id only when the request has a cookie.
    match session {
        Some(session) if session.id().is_some() => session::actor(state, &session, client).await,
        _ => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim().to_owned())
}
