//! The java kind: what visitors see, sessions over instances and versions, what is lost while things change (nothing),
//! what the check of code finds.

mod app;
mod changes;
mod code;
mod guide;
mod pages;
mod sessions;
