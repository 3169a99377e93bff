//! The director through its real router, with a real Postgres and a simulated cloud.

#![recursion_limit = "512"]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod agents;
mod attacks;
mod authorisation;
mod backups;
mod http_accounts;
mod http_actions;
mod http_admin;
mod http_applications;
mod http_connections;
mod http_documents;
mod http_git;
mod http_load;
mod http_logs;
mod http_security;
mod http_services;
mod http_streams;
mod http_uploads;
mod http_volumes;
mod simulated;
mod support;
