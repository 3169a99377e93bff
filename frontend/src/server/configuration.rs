//! Settings and environment variables.

use crate::PageError;
use aerie_domain::ServiceId;
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Sets settings, as the form generated from the kind's template sends them.
#[server(prefix = "/fn", endpoint = "configure_settings")]
pub async fn configure_settings(
    service: ServiceId,
    #[server(default)] settings: BTreeMap<String, String>,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let keep = |error: PageError| {
        settings.iter().fold(error, |error, (name, value)| error.keeping(&format!("settings.{name}"), value))
    };
    let form = views::ChangeSettings { settings: settings.clone(), variables: Vec::new() };
    context::use_cases()?
        .configure_service(&context::actor()?, service, form)
        .await
        .map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/services/{service}#settings"));
    Ok(())
}

/// Sets one environment variable.
#[server(prefix = "/fn", endpoint = "set_variable")]
pub async fn set_variable(
    service: ServiceId,
    name: String,
    #[server(default)] value: String,
    #[server(default)] secret: Option<String>,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views::{ChangeSettings, VariableChange};
    let secret = secret.is_some();
    let keep = |error: PageError| {
        // The use case names the error after the variable; the form has one field for its name.
        let error = error.renaming(&format!("variables.{}", name.trim()), "name").keeping("name", &name);
        // Variables often hold passwords: none of them goes into an address.
        if secret { error.keeping("secret", "on") } else { error }
    };
    let change = VariableChange { name: name.trim().to_owned(), value: Some(value), secret };
    let form = ChangeSettings { settings: BTreeMap::new(), variables: vec![change] };
    context::use_cases()?
        .configure_service(&context::actor()?, service, form)
        .await
        .map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/services/{service}#variables"));
    Ok(())
}

/// Removes one environment variable.
#[server(prefix = "/fn", endpoint = "remove_variable")]
pub async fn remove_variable(service: ServiceId, name: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views::{ChangeSettings, VariableChange};
    let change = VariableChange { name, value: None, secret: false };
    let form = ChangeSettings { settings: BTreeMap::new(), variables: vec![change] };
    context::use_cases()?.configure_service(&context::actor()?, service, form).await?;
    context::back_to(&format!("/services/{service}#variables"));
    Ok(())
}
