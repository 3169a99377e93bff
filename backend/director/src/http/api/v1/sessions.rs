//! Signed-in browsers: one file per endpoint.

pub mod list;
pub mod revoke;
pub mod revoke_others;
