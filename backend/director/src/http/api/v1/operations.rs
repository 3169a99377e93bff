//! Operations: one file per endpoint.

pub mod list;
pub mod read;
