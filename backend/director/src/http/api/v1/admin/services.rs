//! Everybody's services, for administrators: one file per endpoint.

pub mod stop;
