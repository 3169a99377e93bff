//! The php and entry kinds for real: rendered by this crate, run in hardened containers, visited over HTTP.
//!
//! Needs a container engine and the base image (`aerie/base:bookworm`, or the one that `AERIE_TEST_BASE` names). Images
//! are built at the first run and kept; everything else is removed.
#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod changes;
mod code;
mod docker;
mod http;
mod instance;
mod pages;
mod routes;
mod shop;
mod site;
