//! Code versions: one file per endpoint.

pub mod delete;
pub mod download;
pub mod list;
pub mod read;
pub mod upload;
