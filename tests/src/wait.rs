//! Waiting is polling, with the last status in the failure.

use anyhow::{Result, bail};
use std::{fmt::Debug, future::Future, time::Duration};
use tokio::time::{Instant, sleep};

/// Looks until `look` answers `Ok(value)`; `Err(status)` means "not yet".
///
/// # Errors
/// After `limit`, with what was waited for and the last status.
pub async fn until<T, S, F>(what: &str, limit: Duration, mut look: impl FnMut() -> F) -> Result<T>
where
    S: Debug,
    F: Future<Output = Result<T, S>>,
{
    let end = Instant::now() + limit;
    loop {
        match look().await {
            Ok(value) => return Ok(value),
            Err(status) if Instant::now() >= end => bail!("waited {limit:?} for {what}; last seen: {status:?}"),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}
