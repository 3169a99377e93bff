//! Service kinds: one file per endpoint.

pub mod list;
pub mod read;
