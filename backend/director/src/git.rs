//! Repositories of services on the disk, worked in by the program `git`.
//!
//! What lives here: one repository per service, what is asked of git there, and what a push has brought until it is
//! either kept or forgotten. Called by the HTTP side, after the use cases have said who may; calls nothing of ours.
//! To extend: another command of git is a function of [`Repository`] or [`Arrival`].

mod arrival;
mod program;
mod repository;

pub(crate) use arrival::Arrival;
pub(crate) use program::{GitError, Running};
pub(crate) use repository::{Exchange, Repository};
