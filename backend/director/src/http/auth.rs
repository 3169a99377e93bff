//! Who asks: resolved once per request, from the bearer token or else from the session cookie.
//!
//! [`identify`] puts `Option<Actor>` and `ClientInfo` into the request's extensions; handlers that need somebody take
//! [`SignedIn`]. A request with a token never touches a session, and one without a cookie never loads one.

mod client;
mod control;
mod identify;
mod rights;
mod session;
mod signed_in;
mod streams;

pub use control::session_control;
pub use identify::identify;
pub use rights::while_allowed;
pub use session::{session_layer, sign_in};
pub use signed_in::{Client, SignedIn};
pub use streams::{StreamSlot, StreamSlots};
