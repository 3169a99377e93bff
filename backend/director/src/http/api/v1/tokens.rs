//! API tokens: one file per endpoint.

pub mod create;
pub mod list;
pub mod revoke;
