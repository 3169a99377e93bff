//! Where an agent finds figures about the work of a process. Declared in a kind's `template.toml`, so that no kind needs
//! code of its own.

use aerie_domain::FigureSpec;
use serde::{Deserialize, Serialize};

/// The sources of one process. A process may have several: what the request log tells counts before what a status page
/// tells, because it is exact and knows the time of each request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsSpec {
    /// Every line of a stream is a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<RequestLog>,
    /// HAProxy's statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub haproxy: Option<HaproxyStats>,
    /// A program that tells figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<FiguresProbe>,
}

impl MetricsSpec {
    /// Requests are among what is counted.
    pub fn counts_requests(&self) -> bool {
        self.requests.is_some() || self.haproxy.is_some()
    }
}

/// A stream whose lines tell status and time of a request each, at fixed words. Lines without a number there are no
/// requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLog {
    /// Name of the stream, as in `streams`.
    pub stream: String,
    /// Which word (between spaces) is the HTTP status: 1 is the first, -1 the last. Counted from the end, a visitor
    /// cannot shift it by an address with spaces in it.
    pub status: i16,
    /// Which word is the time.
    pub time: i16,
    /// What the time is given in.
    pub unit: TimeUnit,
}

/// What a time is given in; it may have decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeUnit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
}

impl TimeUnit {
    /// Microseconds of one unit.
    pub const fn micros(self) -> f64 {
        match self {
            Self::Seconds => 1_000_000.0,
            Self::Milliseconds => 1_000.0,
            Self::Microseconds => 1.0,
        }
    }
}

/// HAProxy's statistics socket: open connections, waiting requests and, without a request log, counts of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaproxyStats {
    /// Path below [`RUN_FOLDER`](crate::RUN_FOLDER).
    pub socket: String,
    /// The frontends that take visitors.
    pub frontends: Vec<String>,
}

/// A program that prints a line `name number` for each figure about its process; other lines are not looked at. It is run
/// in the instance every few seconds for as long as the process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiguresProbe {
    /// Program and arguments, without a shell.
    pub command: Vec<String>,
    /// The figures that count, in page order.
    pub shown: Vec<FigureSpec>,
}
