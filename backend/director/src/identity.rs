//! The installation's certificate authority: who an instance is, and who the director is to an instance.
//!
//! Everything follows from one secret of 32 bytes in the data directory ([`seed`]): the authority's key and
//! certificate, and for every instance a key and certificate that are the same each time they are asked for. So
//! nothing about them is stored, a container's specification does not change by itself, and an instance can be made
//! again after a crash. Directors that share a database must share the data directory (or a copy of this file).
//! Called by the manager (for a container's environment) and by the agent listener (to check who calls).

mod authority;
mod seed;
mod tls;

pub use authority::{Authority, IdentityError};
pub use tls::{peer_instance, server_config};
