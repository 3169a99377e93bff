//! What went wrong, as a person and a program see it (RFC 9457 problem details).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Stable, machine-readable names of everything that a request can be refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// One or more fields were not acceptable; `errors` says which and why.
    InvalidInput,
    /// The request itself could not be read (broken JSON, wrong content type …).
    MalformedRequest,
    /// Nobody is signed in, or the token is unknown, expired or revoked.
    NotSignedIn,
    /// User name and password do not belong together.
    WrongCredentials,
    /// Signed in, but not allowed to do this.
    NotAllowed,
    /// No such thing, or not yours.
    NotFound,
    /// The route exists, but not with this method.
    MethodNotAllowed,
    /// The thing is in a state in which this makes no sense.
    Conflict,
    /// Somebody else changed it first.
    ChangedMeanwhile,
    /// Not enough credit.
    NoCredit,
    /// More than a limit allows (instances, applications, tokens …).
    LimitReached,
    /// The upload or request is too large.
    TooLarge,
    /// The upload is not an archive that is safe to unpack.
    BadArchive,
    /// Too many requests or attempts; try again later.
    TooManyRequests,
    /// A part that is needed (database, container engine …) does not answer.
    Unavailable,
    /// Our fault. Details are in the director's log under the request id.
    Internal,
}

impl ProblemCode {
    /// The HTTP status that goes with the code.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidInput | Self::BadArchive => 422,
            Self::MalformedRequest => 400,
            Self::NotSignedIn | Self::WrongCredentials => 401,
            Self::NotAllowed => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::ChangedMeanwhile | Self::LimitReached => 409,
            Self::NoCredit => 402,
            Self::TooLarge => 413,
            Self::TooManyRequests => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// A short, constant title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::InvalidInput => "Please check what you typed",
            Self::MalformedRequest => "The request could not be read",
            Self::NotSignedIn => "Please log in",
            Self::WrongCredentials => "Wrong user name or password",
            Self::NotAllowed => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Conflict => "Not possible right now",
            Self::ChangedMeanwhile => "Changed by somebody else",
            Self::NoCredit => "Not enough credit",
            Self::LimitReached => "Limit reached",
            Self::TooLarge => "Too large",
            Self::BadArchive => "This archive cannot be used",
            Self::TooManyRequests => "Too many attempts",
            Self::Unavailable => "Temporarily unavailable",
            Self::Internal => "Something went wrong on our side",
        }
    }
}

/// One field that was not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field's name as in the request (`name`, `settings.memory_limit` …).
    pub field: String,
    /// Why, so that it reads well after the field's label ("must not be empty").
    pub message: String,
}

/// A refusal: the body of every error answer, and the error of every server function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// What kind of refusal.
    pub code: ProblemCode,
    /// The code's constant title.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One or two sentences for the person: what happened, and what to do.
    pub detail: String,
    /// The fields that were not acceptable; empty unless the code is `invalid_input`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A refusal with a sentence for the person.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { code, title: code.title().to_owned(), status: code.status(), detail: detail.into(), errors: Vec::new() }
    }

    /// "No such application", without saying whether it exists for somebody else.
    pub fn not_found(what: &str) -> Self {
        Self::new(ProblemCode::NotFound, format!("There is no such {what}, or it is not yours."))
    }

    /// One field that was not acceptable.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Several fields that were not acceptable.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(ProblemCode::InvalidInput, detail) }
    }

    /// The message for a field, if it has one.
    pub fn message_for(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|e| e.field == field).map(|e| e.message.as_str())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}
