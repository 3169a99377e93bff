//! What can go wrong between us and the database.

use sqlx::postgres::PgQueryResult;
use std::{fmt, str::FromStr};

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused, or did not answer.
    #[error("the database did not do what was asked")]
    Driver(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A change met another number of rows than it was meant for: somebody else was faster, or a bug.
    #[error("a change met {actual} rows instead of {expected}")]
    RowsAffected {
        /// How many it was meant for.
        expected: u64,
        /// How many there were.
        actual: u64,
    },
    /// The lease is over or somebody else's: stop managing the service at once.
    #[error("the lease of the service is lost")]
    LostLease,
    /// A row holds what it never should.
    #[error("the database holds what it should not: {what}")]
    Inconsistent {
        /// Which column, and what is wrong with it.
        what: String,
    },
}

/// SQLSTATE classes and codes that say "not now", not "never": connection exceptions, insufficient resources, operator
/// intervention (shutdown, start-up, cancelled by a timeout), a transaction that was idle for too long, and locks that
/// could not be had.
const UNAVAILABLE: &[&str] = &["08", "53", "57", "25P03", "40P01", "55P03"];

impl StoreError {
    /// The database cannot be reached or is too busy: trying again later may help.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Driver(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| UNAVAILABLE.iter().any(|prefix| code.starts_with(prefix)))
            }
            Self::Driver(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            ),
            _ => false,
        }
    }

    /// The constraint that a change broke, by its name in the migrations (`applications_name_key` …).
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Driver(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }
}

/// After a change that is meant for exactly `expected` rows.
pub(crate) fn ensure_affected(result: &PgQueryResult, expected: u64) -> Result<(), StoreError> {
    match result.rows_affected() {
        actual if actual == expected => Ok(()),
        actual => Err(StoreError::RowsAffected { expected, actual }),
    }
}

/// Reads a word or name of the domain out of a text column.
pub(crate) fn word<T>(column: &'static str, text: &str) -> Result<T, StoreError>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    text.parse().map_err(|error| StoreError::Inconsistent { what: format!("{column}: {error}") })
}

/// Reads a number that is never negative out of a signed column.
pub(crate) fn unsigned<S, U>(column: &'static str, number: S) -> Result<U, StoreError>
where
    U: TryFrom<S>,
    U::Error: fmt::Display,
{
    number.try_into().map_err(|error| StoreError::Inconsistent { what: format!("{column}: {error}") })
}

/// Turns rows as they came into rows with types.
pub(crate) fn typed<R, T>(rows: Vec<R>) -> Result<Vec<T>, StoreError>
where
    T: TryFrom<R, Error = StoreError>,
{
    rows.into_iter().map(T::try_from).collect()
}
