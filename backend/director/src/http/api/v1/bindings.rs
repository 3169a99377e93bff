//! Bindings: services that use others. One file per endpoint.

pub mod create;
pub mod delete;
