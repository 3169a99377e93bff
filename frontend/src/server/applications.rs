//! Applications.

use super::Dated;
use crate::PageError;
use aerie_domain::{
    ApplicationId,
    views::{ApplicationView, VolumeView},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Data of the dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplicationsData {
    /// One part of the list.
    pub applications: Vec<ApplicationView>,
    /// Where the next part begins.
    pub next: Option<String>,
    /// Kind → icon.
    pub icons: BTreeMap<String, String>,
}

/// Data of an application's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplicationData {
    /// The application.
    pub application: ApplicationView,
    /// Its volumes.
    pub volumes: Vec<VolumeView>,
    /// Names of those that would go with it for good, because a service of it keeps them.
    pub kept: Vec<String>,
    /// Kind → icon.
    pub icons: BTreeMap<String, String>,
}

/// The person's applications, a part at a time.
#[server(prefix = "/fn", endpoint = "load_applications")]
pub async fn load_applications(#[server(default)] after: Option<String>) -> Result<Dated<ApplicationsData>, PageError> {
    use crate::ssr::context;
    use aerie_domain::views::PageQuery;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let after = after.filter(|after| !after.is_empty());
    let seen = use_cases.newest_event().await?;
    let page = use_cases.applications(&actor, &PageQuery { after, limit: None }).await?;
    let icons = super::kinds::icons(&use_cases);
    Ok(Dated::since(seen, ApplicationsData { applications: page.items, next: page.next, icons }))
}

/// One application.
#[server(prefix = "/fn", endpoint = "load_application")]
pub async fn load_application(application: ApplicationId) -> Result<Dated<ApplicationData>, PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let seen = use_cases.newest_event().await?;
    let volumes = use_cases.volumes(&actor, application).await?;
    let kept = use_cases.volumes_kept_inside(&actor, application).await?;
    let application = use_cases.application(&actor, application).await?;
    Ok(Dated::since(seen, ApplicationData { application, volumes, kept, icons: super::kinds::icons(&use_cases) }))
}

/// Makes an application and shows it.
#[server(prefix = "/fn", endpoint = "create_application")]
pub async fn create_application(name: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let form = views::CreateApplication { name: name.trim().to_owned() };
    let made = use_cases
        .create_application(&actor, form)
        .await
        .map_err(|failure| PageError::from(failure).keeping("name", &name))?;
    context::see_other(&format!("/applications/{}", made.id));
    Ok(())
}

/// Renames an application.
#[server(prefix = "/fn", endpoint = "rename_application")]
pub async fn rename_application(application: ApplicationId, name: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let form = views::Rename { name: name.trim().to_owned() };
    context::use_cases()?
        .rename_application(&context::actor()?, application, form)
        .await
        .map_err(|failure| PageError::from(failure).keeping("name", &name))?;
    context::back_to(&format!("/applications/{application}"));
    Ok(())
}

/// Starts everything in an application.
#[server(prefix = "/fn", endpoint = "start_application")]
pub async fn start_application(application: ApplicationId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.start_application(&context::actor()?, application).await?;
    context::back_to(&format!("/applications/{application}"));
    Ok(())
}

/// Stops everything in an application.
#[server(prefix = "/fn", endpoint = "stop_application")]
pub async fn stop_application(application: ApplicationId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.stop_application(&context::actor()?, application).await?;
    context::back_to(&format!("/applications/{application}"));
    Ok(())
}

/// Restarts everything in an application that runs.
#[server(prefix = "/fn", endpoint = "restart_application")]
pub async fn restart_application(application: ApplicationId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.restart_application(&context::actor()?, application).await?;
    context::back_to(&format!("/applications/{application}"));
    Ok(())
}

/// Removes an application with all its services, and with those volumes that the person has seen to go for good.
#[server(prefix = "/fn", endpoint = "delete_application")]
pub async fn delete_application(
    application: ApplicationId,
    #[server(default)] losing: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.delete_application(&context::actor()?, application, &losing).await?;
    context::see_other("/applications");
    Ok(())
}
