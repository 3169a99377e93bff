//! What administrators may do; everybody else gets 404. One folder per resource, one file per endpoint.

pub mod announcements;
pub mod applications;
pub mod audit;
pub mod health;
pub mod services;
pub mod users;
