//! Actions: buttons of services. One file per endpoint.

pub mod list;
pub mod run;
pub mod runs;
