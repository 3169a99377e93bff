//! The director: the one entry point of an Aerie installation.
//!
//! What lives here: web pages, REST API, server-sent events, the listener for agents, the certificate authority and
//! the wiring of one process. It is called by browsers, programs and agents; it calls the use cases (for everything a
//! person may ask), runs the manager and reads container output from the cloud for log streams.
//! To extend: an endpoint is one file below `http/api/v1` and one line in `http/router.rs`.

#![cfg_attr(test, expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly"))]
// Pages are one type each; the futures that render them nest deeper than the default allows.
#![recursion_limit = "512"]

pub mod agents;
pub mod config;
pub mod errors;
pub mod firewall;
mod git;
pub mod http;
pub mod identity;
pub mod lifecycle;
pub mod load;
pub mod logs;
pub mod metrics;
pub mod selftest;
pub mod serve;
pub mod simulated_agents;
pub mod state;
pub mod telemetry;
pub mod volume_files;
