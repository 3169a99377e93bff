//! Sessions of browsers: the cookie, what is kept in a session, and when it ends.
//!
//! A session ends after [`IDLE`] without a request, after the configured number of days however active, when the user
//! logs out everywhere or sets a new password (the epoch moves on), and when it is revoked (its row is gone).

use crate::{config::Config, http::problem::ApiError, state::AppState};
use aerie_domain::{Problem, ProblemCode, SessionId, UserId};
use aerie_store::{PgSessionStore, Store, public_session_id};
use aerie_usecases::{Actor, ClientInfo};
use time::{Duration, OffsetDateTime};
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::SameSite, session};

/// A session ends after so long without a request. Longer: forgotten browsers stay signed in.
const IDLE: Duration = Duration::days(7);
/// The end is moved at most so often. Shorter: a write to the database with nearly every request.
const RENEW_AFTER: i64 = 60 * 60;

const USER: &str = "user";
const EPOCH: &str = "epoch";
const SIGNED_IN_AT: &str = "signed_in_at";
const RENEWED_AT: &str = "renewed_at";

/// The layer that reads and writes the cookie.
pub fn session_layer(store: Store, config: &Config) -> SessionManagerLayer<PgSessionStore> {
    let https = config.public_url.https();
    SessionManagerLayer::new(PgSessionStore::new(store))
        // `__Host-`: browsers take it only over https, for this very host and without a Domain.
        .with_name(if https { "__Host-aerie_session" } else { "aerie_session" })
        .with_secure(https)
        .with_http_only(true)
        // Lax: links from mails and course pages arrive signed in; posts from elsewhere come without the cookie.
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// Whose session it is; nothing when it has ended.
pub(super) async fn actor(state: &AppState, session: &Session, client: &ClientInfo) -> Result<Option<Actor>, ApiError> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let user: Option<UserId> = session.get(USER).await.map_err(|error| unreadable(&error))?;
    let epoch: Option<i32> = session.get(EPOCH).await.map_err(|error| unreadable(&error))?;
    let signed_in_at: Option<i64> = session.get(SIGNED_IN_AT).await.map_err(|error| unreadable(&error))?;
    let (Some(user), Some(epoch), Some(signed_in_at), Some(id)) = (user, epoch, signed_in_at, public_id(session))
    else {
        return Ok(None);
    };
    let age_days = (now - signed_in_at) / Duration::DAY.whole_seconds();
    if age_days >= i64::from(state.config.options.session_days) {
        session.flush().await.map_err(|error| unreadable(&error))?;
        return Ok(None);
    }
    let actor = state.usecases.actor_for_session(id, user, epoch, &client.address).await?;
    if actor.is_some() {
        if let Err(error) = state.store.session_note_seen(id, &client.address, &client.user_agent).await {
            // Only the list of sessions shows it.
            tracing::warn!(error = crate::errors::chain(&error), "a session's last use was not noted");
        }
        let renewed_at: i64 = session.get(RENEWED_AT).await.ok().flatten().unwrap_or_default();
        if now - renewed_at > RENEW_AFTER {
            session.insert(RENEWED_AT, now).await.map_err(|error| unreadable(&error))?;
        }
    }
    Ok(actor)
}

/// The id under which a session is listed.
fn public_id(session: &Session) -> Option<SessionId> {
    session.id().map(|secret| public_session_id(&secret))
}

/// Signs the browser in under a new id, so that an id planted before is worth nothing.
pub async fn sign_in(
    store: &Store,
    session: &Session,
    user: UserId,
    epoch: i32,
    client: &ClientInfo,
) -> Result<(), Problem> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let work = async {
        session.clear().await;
        session.cycle_id().await?;
        session.insert(USER, user).await?;
        session.insert(EPOCH, epoch).await?;
        session.insert(SIGNED_IN_AT, now).await?;
        session.insert(RENEWED_AT, now).await?;
        // Saved here and not at the end of the request: only now is there a row to bind to the user.
        session.save().await
    };
    work.await.map_err(|error: session::Error| unreadable(&error).0)?;
    if let Some(secret) = session.id() {
        let bound = store.session_bind(&secret, user, &client.user_agent, &client.address).await;
        bound.map_err(|error| unreadable(&error).0)?;
    }
    Ok(())
}

/// Sessions live in the database; that is what does not answer.
pub(super) fn unreadable(error: &(dyn std::error::Error + 'static)) -> ApiError {
    tracing::error!(error = crate::errors::chain(error), "a session could not be read or written");
    ApiError::new(ProblemCode::Unavailable, "The database does not answer. Try again in a moment.")
}
