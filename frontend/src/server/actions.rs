//! A service's actions.

use crate::PageError;
use aerie_domain::{ServiceId, views::ActionsView};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// The actions of a service, with what became of them.
#[server(prefix = "/fn", endpoint = "load_actions")]
pub async fn load_actions(service: ServiceId) -> Result<ActionsView, PageError> {
    use crate::ssr::context;
    Ok(context::use_cases()?.actions(&context::actor()?, service).await?)
}

/// Presses the button of an action. `choose` says that the form has boxes for instances; ticked ones are keys of
/// `instances`, each after `on-`: a key that begins with a digit would be taken for a place in a list.
#[server(prefix = "/fn", endpoint = "run_action")]
pub async fn run_action(
    service: ServiceId,
    action: String,
    #[server(default)] values: BTreeMap<String, String>,
    #[server(default)] choose: Option<String>,
    #[server(default)] instances: BTreeMap<String, String>,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::{Problem, views};
    // Several forms of the page have fields of the same name.
    let keep = |error: PageError| {
        let error = error.renaming("instances", &format!("{action}.instances"));
        values.iter().fold(error, |error, (name, value)| {
            let field = format!("{action}.values.{name}");
            error.renaming(&format!("values.{name}"), &field).keeping(&field, value)
        })
    };
    let chosen: Option<Vec<_>> = instances.keys().map(|key| key.strip_prefix("on-")?.parse().ok()).collect();
    let chosen = chosen.ok_or_else(|| keep(Problem::field("instances", "must be instances of this service").into()))?;
    let form = views::RunAction { values: values.clone(), instances: choose.map(|_| chosen) };
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    use_cases.run_action(&actor, service, &action, form).await.map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/services/{service}#actions"));
    Ok(())
}
