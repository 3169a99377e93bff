//! The agent: a static binary, process 1 of every instance. It brings about the configuration that the director sends
//! and keeps it so while the director is away.
//!
//! Started by the container engine with the three `AERIE_…` variables of `aerie_agent_protocol`; uses nothing else of
//! Aerie than the protocol and the domain's words. How a configuration travels:
//! `connection` → `apply` (the reconciler: code, files, hooks, in this order) → `supervise` (one actor per
//! process) → `report` (the board everybody writes on) → `connection`. Tasks that people ask for go past the reconciler:
//! `connection` → `tasks` → `report`.
//!
//! To extend: what is new in the protocol becomes a step of `apply`; what is new about one process, a part of
//! `supervise`. Nothing here may know a service kind.

#![cfg_attr(test, expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly"))]

mod apply;
mod backoff;
mod blobs;
mod code;
mod connection;
mod drains;
mod environment;
mod files;
mod hooks;
mod host;
mod identity;
mod job;
mod lifecycle;
mod listening;
mod load;
mod output;
mod probe;
mod reap;
mod report;
mod settings;
mod signals;
mod supervise;
mod tail;
mod tasks;
#[cfg(test)]
mod testing;
mod usage;

pub use lifecycle::main;
pub use settings::{Settings, SettingsError};
