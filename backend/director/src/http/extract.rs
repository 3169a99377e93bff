//! Extractors whose refusals are ours: problem details instead of plain text.

mod json;
mod parts;
mod wait;

pub use json::Json;
pub use parts::{Path, Query};
pub use wait::Wait;
