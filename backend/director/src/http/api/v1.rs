//! Version 1 of the REST API: one folder per resource, one file per endpoint.

pub mod actions;
pub mod admin;
pub mod announcements;
pub mod applications;
pub mod backups;
pub mod bindings;
pub mod kinds;
pub mod load_runs;
pub mod me;
pub mod operations;
pub mod services;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod versions;
pub mod volumes;
