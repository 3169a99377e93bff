//! The kinds for real: rendered by this crate, run in hardened containers, visited over HTTP. One module per kind.
//!
//! Needs a container engine and the base image (`aerie/base:bookworm`, or the one that `AERIE_TEST_BASE` names). Images
//! are built at the first run and kept; everything else is removed. One kind only: `--test in_docker java::`.
#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod data;
mod entry;
mod generic;
mod harness;
mod helloworld;
mod java;
mod php;
