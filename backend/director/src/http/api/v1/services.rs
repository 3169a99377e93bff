//! Services: one file per endpoint.

pub mod access;
pub mod activate;
pub mod configure;
pub mod create;
pub mod delete;
pub mod instances;
pub mod list;
pub mod load;
pub mod read;
pub mod rename;
pub mod renew_secret;
pub mod restart;
pub mod scale;
pub mod start;
pub mod stop;
