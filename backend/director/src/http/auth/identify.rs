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
    let proof = Proof::of(&request);
    match who(&state, proof, &client).await {
        Ok(actor) => {
            request.extensions_mut().insert::<Option<Actor>>(actor);
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// What a request brings along to say who sends it.
enum Proof {
    Token(String),
    Session(Session),
    /// Nothing, or an `Authorization` that is not a bearer token: somebody who sends that means it, so there is no
    /// falling back to a cookie.
    Nothing,
}

impl Proof {
    fn of(request: &Request) -> Self {
        if request.headers().contains_key(header::AUTHORIZATION) {
            return bearer(request.headers()).map_or(Self::Nothing, Self::Token);
        }
        // The session layer sets an id only when the request has a cookie.
        let session = request.extensions().get::<Session>().filter(|session| session.id().is_some());
        session.cloned().map_or(Self::Nothing, Self::Session)
    }
}

async fn who(state: &AppState, proof: Proof, client: &ClientInfo) -> Result<Option<Actor>, ApiError> {
    match proof {
        Proof::Token(secret) => Ok(state.usecases.actor_for_token(&secret, &client.address).await?),
        Proof::Session(session) => session::actor(state, &session, client).await,
        Proof::Nothing => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim().to_owned())
}
