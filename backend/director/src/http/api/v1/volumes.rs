//! Named volumes of applications.

pub mod attach;
pub mod change;
pub mod content;
pub mod create;
pub mod delete;
pub mod detach;
pub mod files;
pub mod list;
pub mod read;
pub mod restore;
pub mod snapshot;
pub mod trash;
