//! Everybody's applications, for administrators: one file per endpoint.

pub mod list;
