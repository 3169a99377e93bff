//! Why a use case did not do what was asked.

use aerie_domain::{Problem, ProblemCode};
use aerie_store::StoreError;
use std::{error::Error, io};

/// A refusal that the person can act on, or a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The person's problem, in the person's words.
    #[error("{0}")]
    Refused(Problem),
    /// The database did not do its part.
    #[error("the database failed")]
    Store(#[source] StoreError),
    /// The data directory did not do its part.
    #[error("the data directory failed")]
    Files(#[source] io::Error),
    /// Something that cannot happen did.
    #[error("{0}")]
    Bug(String),
}

impl Failure {
    /// What the client is told. Faults are logged here, once, with their whole chain; the client learns nothing of it.
    pub fn into_problem(self) -> Problem {
        let (code, detail) = match &self {
            Self::Refused(problem) => return problem.clone(),
            Self::Store(error) if error.is_unavailable() => (
                ProblemCode::Unavailable,
                "The database does not answer. Running applications are not affected; try again in a moment.",
            ),
            _ => (ProblemCode::Internal, "Nothing was lost. Try again, and tell your administrator if it stays."),
        };
        tracing::error!(error = chain(&self), "a use case failed");
        Problem::new(code, detail)
    }
}

/// The error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Files(error)
    }
}
