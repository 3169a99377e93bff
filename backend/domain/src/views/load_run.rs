//! The load generator: what is asked for, and what came of it.

use crate::{LoadRunId, ServiceId, Times};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Requests to send to a service's public address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartLoadRun {
    /// Requests per second, 1 to 500.
    pub rate: u32,
    /// For so many seconds, 1 to 60.
    pub seconds: u32,
    /// Path and query, such as `/index.php?page=2`.
    #[serde(default = "root")]
    pub path: String,
}

fn root() -> String {
    "/".to_owned()
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoadRunState {
    /// Requests are being sent, or answers awaited.
    Running,
    /// All were sent and have ended.
    Done,
    /// Somebody stopped it.
    Cancelled,
    /// It could not go on; the error says why.
    Failed,
}

impl LoadRunState {
    /// As in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for LoadRunState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Running, Self::Done, Self::Cancelled, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a state of a load run"))
    }
}

/// What was counted, so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRunResult {
    /// Requests that were sent.
    pub sent: u64,
    /// Requests that were due, but not sent because too many were still waiting for their answers.
    pub skipped: u64,
    /// Answers with a status below 400.
    pub ok: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, by reason.
    pub failures: BTreeMap<String, u64>,
    /// From when a request was due until its answer had come whole.
    pub times: Times,
}

/// A run of the load generator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoadRunView {
    /// Id.
    pub id: LoadRunId,
    /// The service.
    pub service_id: ServiceId,
    /// Requests per second that were asked for.
    pub rate: u32,
    /// For so many seconds.
    pub seconds: u32,
    /// Path and query.
    pub path: String,
    /// How far it is.
    pub state: LoadRunState,
    /// Why it failed, in words for a student.
    pub error: String,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests that were due, but not sent because too many were still waiting for their answers.
    pub skipped: u64,
    /// Answers with a status below 400.
    pub ok: u64,
    /// Everything else that was sent and has ended: worse statuses, and no answer at all.
    pub failed: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, by reason.
    pub failures: BTreeMap<String, u64>,
    /// Milliseconds within which half of the answers came, counted from when the request was due.
    pub p50_ms: Option<f64>,
    /// The same for 95 %.
    pub p95_ms: Option<f64>,
    /// The same for 99 %.
    pub p99_ms: Option<f64>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
}
