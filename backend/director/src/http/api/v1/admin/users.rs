//! People, for administrators: one file per endpoint.

pub mod disable;
pub mod enable;
pub mod entries;
pub mod grant;
pub mod list;
pub mod read;
