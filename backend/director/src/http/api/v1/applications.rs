//! Applications: one file per endpoint.

pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod rename;
pub mod restart;
pub mod start;
pub mod stop;
