//! What every server function fails with: a [`Problem`], and what was typed, so that a form can show both again.

use aerie_domain::{FieldError, Problem, ProblemCode};
use serde::{Deserialize, Serialize};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use std::{collections::BTreeMap, fmt};

/// A refusal as pages see it. Without scripts it travels back to the form in the query of the page's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageError {
    /// What went wrong.
    #[serde(flatten)]
    pub problem: Problem,
    /// What was typed into which field; never a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub typed: BTreeMap<String, String>,
}

impl PageError {
    /// A refusal with a sentence for the person.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// Keeps what was typed into a field, to show it again.
    #[must_use]
    pub fn keeping(mut self, field: &str, value: &str) -> Self {
        // The whole error may travel in an address: longer texts would not fit into every server's request line.
        if value.chars().count() <= 500 {
            self.typed.insert(field.to_owned(), value.to_owned());
        }
        self
    }

    /// Names a field the way the form does, where the use case has another name for it.
    #[must_use]
    pub fn renaming(mut self, from: &str, to: &str) -> Self {
        for error in self.problem.errors.iter_mut().filter(|error| error.field == from) {
            to.clone_into(&mut error.field);
        }
        self
    }

    /// Nobody is signed in (any more).
    pub fn is_not_signed_in(&self) -> bool {
        self.problem.code == ProblemCode::NotSignedIn
    }

    /// The errors whose field is not among those that the form shows by itself.
    pub fn errors_outside(&self, fields: &[&str]) -> Vec<FieldError> {
        self.problem.errors.iter().filter(|error| !fields.contains(&error.field.as_str())).cloned().collect()
    }
}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self { problem, typed: BTreeMap::new() }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for PageError {}

impl FromServerFnError for PageError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => {
                Self::new(ProblemCode::Unavailable, "The server does not answer. Check your connection and try again.")
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Serialization(_) => {
                Self::new(ProblemCode::MalformedRequest, "The form could not be read. Reload the page and try again.")
            }
            _ => Self::new(ProblemCode::Internal, "The answer could not be read. Reload the page and try again."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PageError;
    use aerie_domain::Problem;
    use server_fn::error::FromServerFnError;

    #[test]
    fn an_error_survives_its_way_through_the_address() {
        let error = PageError::from(Problem::field("name", "is <taken>")).keeping("name", "blog");
        assert_eq!(PageError::de(error.ser()), error);
    }

    #[test]
    fn long_texts_are_not_kept() {
        let error = PageError::from(Problem::field("note", "is too long")).keeping("note", &"x".repeat(501));
        assert!(error.typed.is_empty());
    }

    #[test]
    fn nonsense_in_the_address_reads_as_an_error_not_as_a_panic() {
        assert_eq!(PageError::de("{".into()).problem.status, 500);
    }
}
