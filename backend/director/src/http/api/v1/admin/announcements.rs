//! Banners, for administrators: one file per endpoint.

pub mod create;
pub mod delete;
pub mod list;
