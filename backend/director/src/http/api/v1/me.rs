//! The account that is signed in: one file per endpoint.

pub mod change_password;
pub mod credit_entries;
pub mod credits;
pub mod read;
