//! Announcements, as everybody reads them: one file per endpoint.

pub mod list;
