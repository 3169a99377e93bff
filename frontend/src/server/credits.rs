//! The person's credit.

use super::Dated;
use crate::PageError;
use aerie_domain::views::{CreditsView, LedgerEntryView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Data of the credits page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditsData {
    /// What there is, and where it went.
    pub credits: CreditsView,
    /// One part of the bookings, newest first.
    pub entries: Vec<LedgerEntryView>,
    /// Where the next part begins.
    pub next: Option<String>,
}

/// The person's credit with a part of its bookings.
#[server(prefix = "/fn", endpoint = "load_credits")]
pub async fn load_credits(#[server(default)] after: Option<String>) -> Result<Dated<CreditsData>, PageError> {
    use crate::ssr::context;
    use aerie_domain::views::PageQuery;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let seen = use_cases.newest_event().await?;
    let credits = use_cases.credits(&actor).await?;
    let after = after.filter(|after| !after.is_empty());
    let page = use_cases.credit_entries(&actor, &PageQuery { after, limit: None }).await?;
    Ok(Dated::since(seen, CreditsData { credits, entries: page.items, next: page.next }))
}
