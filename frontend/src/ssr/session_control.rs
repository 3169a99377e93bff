//! How server functions start and end the session of the browser that asks.

use aerie_domain::{Problem, UserId};
use std::{future::Future, pin::Pin};

/// What a method of [`SessionControl`] returns.
pub type SessionFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send + 'a>>;

/// The browser's session. The director provides one per request as `Arc<dyn SessionControl>` in the context.
pub trait SessionControl: Send + Sync {
    /// Signs the browser in, under a new session id so that an id planted before is worth nothing.
    fn sign_in(&self, user: UserId, epoch: i32) -> SessionFuture<'_>;

    /// Ends the session; fine when there is none.
    fn sign_out(&self) -> SessionFuture<'_>;
}
