//! `?wait=30s`: hold the answer until the thing has ended or the time is up.

use super::Query;
use crate::http::problem::ApiError;
use aerie_domain::Problem;
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::Deserialize;
use std::time::Duration;

/// Longest wait; longer ones are cut to it. Larger: proxies in between give up first.
const MAX: Duration = Duration::from_secs(60);

/// How long to wait; zero when the query does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Duration);

#[derive(Deserialize)]
struct Raw {
    wait: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(raw) = Query::<Raw>::from_request_parts(parts, state).await?;
        let Some(text) = raw.wait else { return Ok(Self(Duration::ZERO)) };
        parse(&text).map(Self).ok_or_else(|| Problem::field("wait", "must be a time such as 30s or 500ms").into())
    }
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let duration = match &text[digits..] {
        "" | "s" => Duration::from_secs(number),
        "ms" => Duration::from_millis(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        _ => return None,
    };
    Some(duration.min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_spellings_are_read_and_long_waits_are_cut() {
        assert_eq!(parse("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("5m"), Some(MAX));
        for text in ["", "s", "-1s", "1h", "soon", "99999999999999999999s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
