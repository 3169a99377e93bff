//! People, as administrators see them.

use crate::{PageError, server::Dated};
use aerie_domain::{
    UserId,
    views::{AdminUserView, ApplicationView, LedgerEntryView, Page, SearchQuery},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Data of a person's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdminUserData {
    /// The person.
    pub person: AdminUserView,
    /// Their applications.
    pub applications: Vec<ApplicationView>,
    /// One part of their bookings, newest first.
    pub entries: Vec<LedgerEntryView>,
    /// Where the next part begins.
    pub next: Option<String>,
}

/// People, a part at a time.
#[server(prefix = "/fn", endpoint = "load_admin_users")]
pub async fn load_admin_users(query: SearchQuery) -> Result<Dated<Page<AdminUserView>>, PageError> {
    use crate::ssr::context;
    Ok(Dated::new(context::use_cases()?.admin_users(&context::actor()?, &query).await?))
}

/// One person with applications and a part of their bookings.
#[server(prefix = "/fn", endpoint = "load_admin_user")]
pub async fn load_admin_user(
    user: UserId,
    #[server(default)] after: Option<String>,
) -> Result<Dated<AdminUserData>, PageError> {
    use crate::ssr::context;
    use aerie_domain::views::PageQuery;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let person = use_cases.admin_user(&actor, user).await?;
    let all = SearchQuery { limit: Some(100), ..SearchQuery::default() };
    let applications = use_cases.admin_applications(&actor, Some(user), &all).await?.items;
    let after = after.filter(|after| !after.is_empty());
    let page = use_cases.admin_user_entries(&actor, user, &PageQuery { after, limit: None }).await?;
    Ok(Dated::new(AdminUserData { person, applications, entries: page.items, next: page.next }))
}

/// Locks a person out.
#[server(prefix = "/fn", endpoint = "disable_user")]
pub async fn disable_user(user: UserId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.disable_user(&context::actor()?, user).await?;
    context::back_to(&format!("/admin/users/{user}"));
    Ok(())
}

/// Lets a person in again.
#[server(prefix = "/fn", endpoint = "enable_user")]
pub async fn enable_user(user: UserId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.enable_user(&context::actor()?, user).await?;
    context::back_to(&format!("/admin/users/{user}"));
    Ok(())
}

/// Grants credit, typed as a number of credits, or takes it back.
#[server(prefix = "/fn", endpoint = "grant_credit")]
pub async fn grant_credit(user: UserId, amount: String, reason: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::{Problem, views::Grant};
    let keep = |error: PageError| error.keeping("amount", &amount).keeping("reason", &reason);
    let credits = super::input::credits(&amount).map_err(|message| keep(Problem::field("amount", message).into()))?;
    let form = Grant { amount: credits, reason: reason.clone() };
    context::use_cases()?.grant(&context::actor()?, user, form).await.map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/admin/users/{user}"));
    Ok(())
}
