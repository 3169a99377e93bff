//! Logs: as a list, as a text file, and as a stream.

pub mod follow;
pub mod read;

use aerie_domain::views::LogQuery;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogParams {
    /// Short id of one instance, or `manager`.
    instance: Option<String>,
    /// One role.
    role: Option<String>,
    /// One stream, such as `access` or `error`.
    stream: Option<String>,
    /// Only lines that contain this text (case does not matter).
    text: Option<String>,
    /// At most so many of the newest lines of history: 1 to 10 000, 500 unless told.
    tail: Option<String>,
    /// `text` for a plain file instead of JSON.
    format: Option<String>,
    /// Id of the last event that was seen; for clients that cannot send `Last-Event-ID`. Streams only.
    after: Option<String>,
}

impl LogParams {
    /// The part that picks lines. Empty values come from form fields that were left empty.
    fn query(&self) -> Result<LogQuery, aerie_domain::Problem> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let tail = given(&self.tail).map(|tail| tail.parse()).transpose();
        let tail = tail.map_err(|_| aerie_domain::Problem::field("tail", "must be a number from 1 to 10000"))?;
        Ok(LogQuery {
            instance: given(&self.instance),
            role: given(&self.role),
            stream: given(&self.stream),
            text: given(&self.text),
            tail,
        })
    }
}
