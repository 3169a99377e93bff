//! The part of a service's log that the database has: its manager's. Instances' lines come as a stream.

use crate::PageError;
use aerie_domain::{ServiceId, views::LogLine};
use leptos::prelude::*;

/// The manager's newest lines, oldest first.
#[server(prefix = "/fn", endpoint = "load_manager_log")]
pub async fn load_manager_log(service: ServiceId, limit: u32) -> Result<Vec<LogLine>, PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let lines = use_cases.manager_log(&actor, service, None, limit.clamp(1, 500)).await?;
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}
