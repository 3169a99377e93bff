//! The store against a real Postgres: every test has a database of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod accounts;
mod actions;
mod admin;
mod applications;
mod backups;
mod connections;
mod events;
mod figure_loads;
mod instances;
mod leases;
mod ledger;
mod ledger_histories;
mod listener;
mod load_runs;
mod loads;
mod manager_log;
mod meters;
mod migrations;
mod operations;
mod routes;
mod services;
mod sessions;
mod tokens;
mod versions;
mod volumes;
mod world;
