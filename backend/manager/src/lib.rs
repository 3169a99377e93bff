//! Managers: one control loop per service that makes the world what its rows say.
//!
//! Run by the director ([`Manager::run`]); called by nothing else, but logs read [`kept_logs`] and names come from
//! [`names`]. Calls the store, the cloud and the kinds. Data flows `queue` (which service, when) → `pass` → `read`
//! ([`world`]) → [`plan`] (pure) → `execute`; `driver` owns the tasks, `reaper` removes what has no row. To change
//! *what* is done, change a rule in [`plan`]; to change *how*, a step's execution.

mod backoff;
pub mod carriers;
mod clock;
mod driver;
mod entry_configs;
mod execute;
mod explain;
mod figures;
pub mod kept_logs;
pub mod names;
mod pass;
pub mod plan;
pub mod queue;
mod read;
mod reaper;
mod routes;
mod settings;
pub mod step;
mod subnets;
mod uses;
mod volumes;
pub mod world;

pub use driver::{Manager, ManagerParts};
pub use figures::ManagerFigures;
pub use settings::{Identities, ManagerSettings};
