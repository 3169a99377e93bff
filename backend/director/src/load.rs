//! What agents tell of their instances' load, on its way to the database; and the load generator.
//!
//! `recorder` adds up what comes in, `keep` writes it in batches and lets it grow old, `generator` sends requests. Called
//! by the agent listener and the wiring; calls the store and the use cases.

mod generator;
mod keep;
mod recorder;

pub use generator::send_requests;
pub use keep::{keep, record};
pub use recorder::{InstanceTotals, LoadRecorder, RoleTotals};
