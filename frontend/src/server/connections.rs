//! What it takes to use a service, and which service uses which.

use super::Dated;
use crate::PageError;
use aerie_domain::{
    ServiceId,
    views::{AccessView, ServiceView},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Data of a service's access page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessData {
    /// Addresses, names and passwords.
    pub access: AccessView,
    /// The service's page data.
    pub service: ServiceView,
}

/// What it takes to use a service.
#[server(prefix = "/fn", endpoint = "load_access")]
pub async fn load_access(service: ServiceId) -> Result<Dated<AccessData>, PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let access = use_cases.access(&actor, service).await?;
    let service = use_cases.service(&actor, service).await?;
    Ok(Dated::new(AccessData { access, service }))
}

/// Makes another password for a service.
#[server(prefix = "/fn", endpoint = "renew_secret")]
pub async fn renew_secret(service: ServiceId, name: String) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.renew_secret(&context::actor()?, service, &name).await?;
    context::back_to(&format!("/services/{service}/access"));
    Ok(())
}

/// Lets a service use another one.
#[server(prefix = "/fn", endpoint = "bind_service")]
pub async fn bind_service(
    service: ServiceId,
    other: ServiceId,
    #[server(default)] prefix: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let typed = prefix.trim();
    let form = views::BindService { prefix: (!typed.is_empty()).then(|| typed.to_owned()) };
    context::use_cases()?
        .bind_service(&context::actor()?, service, other, form)
        .await
        .map_err(|failure| PageError::from(failure).keeping("prefix", typed))?;
    context::back_to(&format!("/services/{service}#connections"));
    Ok(())
}

/// Ends that.
#[server(prefix = "/fn", endpoint = "unbind_service")]
pub async fn unbind_service(service: ServiceId, other: ServiceId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.unbind_service(&context::actor()?, service, other).await?;
    context::back_to(&format!("/services/{service}#connections"));
    Ok(())
}
