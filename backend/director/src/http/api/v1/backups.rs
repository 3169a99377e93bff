//! `/services/{id}/backups`.

pub mod delete;
pub mod download;
pub mod list;
pub mod make;
pub mod read;
pub mod read_schedule;
pub mod restore;
pub mod set_schedule;
pub mod upload;
