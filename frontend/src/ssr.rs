//! What only the server has: the page around the app, its built assets, and what the director puts into a request's
//! context. The director calls this; server functions use [`context`].

pub mod assets;
pub mod context;
mod origin;
mod session_control;
pub mod shell;
mod upload;

pub use assets::Assets;
pub use context::DirectorUrl;
pub use origin::drop_foreign_errors;
pub use session_control::{SessionControl, SessionFuture};
pub use upload::upload_error_location;
