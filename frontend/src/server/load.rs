//! A service's load, and the load generator.

use crate::PageError;
use aerie_domain::{
    LoadRunId, ServiceId,
    views::{LoadRunView, LoadView},
};
use leptos::prelude::*;

/// What a service used and did in the last `seconds`.
#[server(prefix = "/fn", endpoint = "load_load")]
pub async fn load_load(service: ServiceId, seconds: u32) -> Result<LoadView, PageError> {
    use crate::ssr::context;
    use aerie_domain::views::LoadQuery;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let from = context::now() - time::Duration::seconds(seconds.into());
    Ok(use_cases.load(&actor, service, &LoadQuery { from: Some(from), ..LoadQuery::default() }).await?)
}

/// The newest runs of the load generator against a service.
#[server(prefix = "/fn", endpoint = "load_load_runs")]
pub async fn load_load_runs(service: ServiceId) -> Result<Vec<LoadRunView>, PageError> {
    use crate::ssr::context;
    Ok(context::use_cases()?.load_runs(&context::actor()?, service).await?)
}

/// Sends requests to a service.
#[server(prefix = "/fn", endpoint = "start_load_run")]
pub async fn start_load_run(
    service: ServiceId,
    #[server(default)] rate: String,
    #[server(default)] seconds: String,
    #[server(default)] path: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::{FieldError, Problem, views::StartLoadRun};
    let keep = |error: PageError| error.keeping("rate", &rate).keeping("seconds", &seconds).keeping("path", &path);
    let mut errors = Vec::new();
    let mut number = |field: &str, text: &str| {
        text.trim().parse::<u32>().unwrap_or_else(|_| {
            errors.push(FieldError { field: field.to_owned(), message: "must be a whole number".to_owned() });
            0
        })
    };
    let form = StartLoadRun {
        rate: number("rate", &rate),
        seconds: number("seconds", &seconds),
        path: if path.trim().is_empty() { "/".to_owned() } else { path.trim().to_owned() },
    };
    if !errors.is_empty() {
        return Err(keep(Problem::fields(errors).into()));
    }
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    use_cases.start_load_run(&actor, service, form).await.map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/services/{service}#load-generator"));
    Ok(())
}

/// Stops a run.
#[server(prefix = "/fn", endpoint = "cancel_load_run")]
pub async fn cancel_load_run(service: ServiceId, run: LoadRunId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.cancel_load_run(&context::actor()?, run).await?;
    context::back_to(&format!("/services/{service}#load-generator"));
    Ok(())
}
