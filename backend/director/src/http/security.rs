//! What every request must satisfy and every answer carries, whatever the route.

mod body_limit;
mod csrf;
pub(super) mod headers;
mod host;
mod panics;
mod time_limit;

pub(super) use body_limit::{limit_body, too_large};
pub(super) use csrf::layer as csrf_layer;
pub(super) use headers::CspNonce;
pub(super) use host::check_host;
pub(super) use panics::layer as panic_layer;
pub(super) use time_limit::limit_time;
