//! The store against a real Postgres: every test has a database of its own.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod accounts;
mod applications;
mod connections;
mod events;
mod instances;
mod leases;
mod listener;
mod manager_log;
mod meters;
mod migrations;
mod operations;
mod routes;
mod services;
mod sessions;
mod tokens;
mod versions;
mod world;
