//! The HTTP side: pages, REST API, event streams.
//!
//! What lives here: extraction, presentation and the middleware around them. A handler extracts, calls one use case
//! and presents; no SQL and no containers. [`router`] is the one table of all routes.

pub mod api;
pub mod auth;
mod docs;
pub mod extract;
mod git;
mod health;
mod metrics;
pub(crate) mod observe;
pub mod openapi;
pub mod pages;
pub mod problem;
pub mod router;
mod security;
pub mod server;
mod sse;
mod statics;
mod upload;
