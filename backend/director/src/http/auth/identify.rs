//! The middleware that finds out who asks.

use super::{client::client_info, session};
use crate::{
    http::{git, problem::ApiError},
    state::AppState,
};
use aerie_usecases::{Actor, ClientInfo};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
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
    /// As git sends it: a user's name and, in place of the password, a token of that user's.
    NameAndToken(String, String),
    Session(Session),
    /// Nothing, or an `Authorization` of another kind: somebody who sends that means it, so there is no falling back to
    /// a cookie.
    Nothing,
}

impl Proof {
    fn of(request: &Request) -> Self {
        if request.headers().contains_key(header::AUTHORIZATION) {
            let is_git = request.uri().path().starts_with(git::BEGINNING);
            let proof = bearer(request.headers()).map(Self::Token);
            return proof.or_else(|| if is_git { basic(request.headers()) } else { None }).unwrap_or(Self::Nothing);
        }
        // The session layer sets an id only when the request has a cookie.
        let session = request.extensions().get::<Session>().filter(|session| session.id().is_some());
        session.cloned().map_or(Self::Nothing, Self::Session)
    }
}

async fn who(state: &AppState, proof: Proof, client: &ClientInfo) -> Result<Option<Actor>, ApiError> {
    match proof {
        Proof::Token(secret) => Ok(state.usecases.actor_for_token(&secret, &client.address).await?),
        Proof::NameAndToken(name, secret) => {
            let actor = state.usecases.actor_for_token(&secret, &client.address).await?;
            Ok(actor.filter(|actor| actor.name == name))
        }
        Proof::Session(session) => session::actor(state, &session, client).await,
        Proof::Nothing => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    authorization(headers, "bearer").map(str::to_owned)
}

fn basic(headers: &HeaderMap) -> Option<Proof> {
    let decoded = STANDARD.decode(authorization(headers, "basic")?).ok()?;
    let (name, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Proof::NameAndToken(name.to_owned(), secret.to_owned()))
}

fn authorization<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}
