//! Log lines.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// The service's manager: every step with its cause.
    Manager,
    /// A role process, script or agent inside an instance.
    Instance,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Manager or instance.
    pub source: LogSource,
    /// Short id of the instance; empty for the manager.
    pub instance: String,
    /// Role, `agent`, or `manager`.
    pub role: String,
    /// Stream of the role (`access`, `error`, `out`, `err` …) or the manager's level (`info`, `warn`, `error`).
    pub stream: String,
    /// The text, without line end or terminal colours.
    pub text: String,
}

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogQuery {
    /// Short id of one instance, or `manager`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// One role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// One stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Only lines that contain this text (case does not matter).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// At most so many of the newest lines of history: 1 to 10 000, 500 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
}

impl LogQuery {
    /// Whether a line is asked for.
    pub fn matches(&self, line: &LogLine) -> bool {
        let is = |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|w| w.is_empty() || w == actual);
        let instance = if line.source == LogSource::Manager { "manager" } else { line.instance.as_str() };
        is(&self.instance, instance)
            && is(&self.role, &line.role)
            && is(&self.stream, &line.stream)
            && self.text.as_deref().is_none_or(|text| line.text.to_lowercase().contains(&text.to_lowercase()))
    }
}
