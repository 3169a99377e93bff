//! Accounts and logging in: one file per endpoint.

pub mod log_in;
pub mod register;
