//! The php kind: what visitors see, what is lost while things change (nothing), what the check of code finds.

mod changes;
mod code;
mod pages;
mod shop;
