//! What administrators see and do. Everybody else is told that there is no such page.

mod announcements;
mod input;
mod users;

pub use announcements::{Announce, WithdrawAnnouncement, load_announcements};
pub use users::{AdminUserData, DisableUser, EnableUser, GrantCredit, load_admin_user, load_admin_users};

use super::Dated;
use crate::PageError;
use aerie_domain::{
    ServiceId,
    views::{ApplicationView, AuditQuery, AuditView, HealthView, Page, SearchQuery},
};
use leptos::prelude::*;

/// How the installation is.
#[server(prefix = "/fn", endpoint = "load_health")]
pub async fn load_health() -> Result<Dated<HealthView>, PageError> {
    use crate::ssr::context;
    Ok(Dated::new(context::use_cases()?.health(&context::actor()?).await?))
}

/// Everybody's applications, a part at a time.
#[server(prefix = "/fn", endpoint = "load_all_applications")]
pub async fn load_all_applications(query: SearchQuery) -> Result<Dated<Page<ApplicationView>>, PageError> {
    use crate::ssr::context;
    Ok(Dated::new(context::use_cases()?.admin_applications(&context::actor()?, None, &query).await?))
}

/// The audit log, a part at a time.
#[server(prefix = "/fn", endpoint = "load_audit_log")]
pub async fn load_audit_log(query: AuditQuery) -> Result<Dated<Page<AuditView>>, PageError> {
    use crate::ssr::context;
    Ok(Dated::new(context::use_cases()?.audit_log(&context::actor()?, &query).await?))
}

/// Stops somebody's service.
#[server(prefix = "/fn", endpoint = "admin_stop_service")]
pub async fn admin_stop_service(service: ServiceId, #[server(default)] back: String) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.admin_stop_service(&context::actor()?, service).await?;
    context::back_to(crate::pages::local_path(&back));
    Ok(())
}
