//! Managers: one control loop per service that makes the world what its rows say.
//!
//! Run by the director ([`Manager::run`]); called by nothing else. Calls the store, the cloud and the kinds. Data flows
//! `queue` (which service, when) → `driver` (a pass) → `read` ([`world`]) → [`plan`] (pure) → `execute`. To change *what*
//! is done, change a rule in [`plan`]; to change *how*, a step's execution.

mod backoff;
mod explain;
mod names;
pub mod plan;
mod settings;
pub mod step;
mod subnets;
pub mod world;

pub use settings::{Identities, ManagerSettings};
