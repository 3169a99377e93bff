//! The load generator: one file per endpoint.

pub mod cancel;
pub mod list;
pub mod read;
pub mod start;
