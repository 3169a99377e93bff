//! What the pages may do with the session of the browser that asks.

use super::session;
use aerie_domain::UserId;
use aerie_frontend::SessionControl;
use aerie_store::Store;
use aerie_usecases::ClientInfo;
use axum::http::request::Parts;
use std::{future::Future, pin::Pin, sync::Arc};
use tower_sessions::Session;

struct Control {
    store: Store,
    session: Session,
    client: ClientInfo,
}

/// The session of a request; nothing where the session layer is not in place.
pub fn session_control(store: &Store, parts: &Parts) -> Option<Arc<dyn SessionControl>> {
    let session = parts.extensions.get::<Session>()?.clone();
    let client = parts.extensions.get::<ClientInfo>().cloned().unwrap_or_default();
    Some(Arc::new(Control { store: store.clone(), session, client }))
}

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), aerie_domain::Problem>> + Send + 'a>>;

impl SessionControl for Control {
    fn sign_in(&self, user: UserId, epoch: i32) -> Done<'_> {
        Box::pin(session::sign_in(&self.store, &self.session, user, epoch, &self.client))
    }

    fn sign_out(&self) -> Done<'_> {
        Box::pin(async { self.session.flush().await.map_err(|error| session::unreadable(&error).0) })
    }
}
