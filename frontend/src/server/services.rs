//! Services: the service page's data, and everything about a service but its code and configuration.

use super::Dated;
use crate::PageError;
use aerie_domain::{ApplicationId, ServiceId, views::ServiceView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Data of a service's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceData {
    /// The service.
    pub service: ServiceView,
    /// Its kind's icon.
    pub icon: String,
    /// Where its code can be pushed to with git, if it takes code.
    pub git: Option<String>,
}

/// One service with everything its page shows.
#[server(prefix = "/fn", endpoint = "load_service")]
pub async fn load_service(service: ServiceId) -> Result<Dated<ServiceData>, PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let seen = use_cases.newest_event().await?;
    let service = use_cases.service(&actor, service).await?;
    let icon = use_cases.kind_offered(&service.summary.kind).map(|kind| kind.icon).unwrap_or_default();
    let git = service.takes_code.then(|| git_address(&context::director_url(), &service));
    Ok(Dated::since(seen, ServiceData { service, icon, git }))
}

/// The address of a service's repository: with the user's name, so that git asks for the token alone.
#[cfg(feature = "ssr")]
fn git_address(director: &str, service: &ServiceView) -> String {
    let (scheme, host) = director.split_once("://").unwrap_or(("http", director));
    format!("{scheme}://{}@{host}/git/{}/{}.git", service.owner, service.application, service.summary.name)
}

/// Makes a service and shows it.
#[server(prefix = "/fn", endpoint = "create_service")]
pub async fn create_service(
    application: ApplicationId,
    #[server(default)] kind: String,
    #[server(default)] name: String,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let typed = name.trim();
    let form = views::CreateService { kind: kind.clone(), name: (!typed.is_empty()).then(|| typed.to_owned()) };
    let made = use_cases
        .create_service(&actor, application, form)
        .await
        .map_err(|failure| PageError::from(failure).keeping("name", typed).keeping("kind", &kind))?;
    context::see_other(&format!("/services/{}", made.summary.id));
    Ok(())
}

/// Renames a service.
#[server(prefix = "/fn", endpoint = "rename_service")]
pub async fn rename_service(service: ServiceId, name: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let form = views::Rename { name: name.trim().to_owned() };
    context::use_cases()?
        .rename_service(&context::actor()?, service, form)
        .await
        .map_err(|failure| PageError::from(failure).keeping("name", &name))?;
    context::back_to(&format!("/services/{service}"));
    Ok(())
}

/// Starts a service.
#[server(prefix = "/fn", endpoint = "start_service")]
pub async fn start_service(service: ServiceId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.start_service(&context::actor()?, service).await?;
    context::back_to(&format!("/services/{service}"));
    Ok(())
}

/// Stops a service.
#[server(prefix = "/fn", endpoint = "stop_service")]
pub async fn stop_service(service: ServiceId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.stop_service(&context::actor()?, service).await?;
    context::back_to(&format!("/services/{service}"));
    Ok(())
}

/// Replaces a service's instances by new ones.
#[server(prefix = "/fn", endpoint = "restart_service")]
pub async fn restart_service(service: ServiceId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.restart_service(&context::actor()?, service).await?;
    context::back_to(&format!("/services/{service}"));
    Ok(())
}

/// Removes a service with its data, and shows its application.
#[server(prefix = "/fn", endpoint = "delete_service")]
pub async fn delete_service(service: ServiceId, #[server(default)] unbind: Option<String>) -> Result<(), PageError> {
    use crate::ssr::context;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let application = use_cases.service(&actor, service).await?.summary.application_id;
    if unbind.is_some() {
        use_cases.unbind_and_delete_service(&actor, service).await?;
    } else {
        use_cases.delete_service(&actor, service).await?;
    }
    context::see_other(&format!("/applications/{application}"));
    Ok(())
}

/// Changes role counts, typed as numbers or as changes such as `+2`.
#[server(prefix = "/fn", endpoint = "scale_service")]
pub async fn scale_service(
    service: ServiceId,
    #[server(default)] roles: BTreeMap<String, String>,
) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let keep = |error: PageError| {
        roles.iter().fold(error, |error, (role, text)| error.keeping(&format!("roles.{role}"), text))
    };
    let present = use_cases.service(&actor, service).await?;
    let form: views::Scale = scale_form(&present, &roles).map_err(|problem| keep(problem.into()))?;
    use_cases.scale_service(&actor, service, form).await.map_err(|failure| keep(failure.into()))?;
    context::back_to(&format!("/services/{service}#scale"));
    Ok(())
}

/// The counts that the typed texts mean. A change such as `+2` holds only for the counts it was reckoned from.
#[cfg(feature = "ssr")]
fn scale_form(
    service: &ServiceView,
    typed: &BTreeMap<String, String>,
) -> Result<aerie_domain::views::Scale, aerie_domain::Problem> {
    use crate::scale_input::ScaleInput;
    use aerie_domain::{FieldError, Problem, views::Scale};
    let mut counts = BTreeMap::new();
    let mut errors = Vec::new();
    let mut relative = false;
    for (role, text) in typed {
        let present = service.roles.iter().find(|known| known.name == *role).map_or(0, |role| role.count);
        match ScaleInput::parse(text) {
            Ok(input) => {
                relative |= matches!(input, ScaleInput::By(_));
                counts.insert(role.clone(), input.apply(present));
            }
            Err(message) => errors.push(FieldError { field: format!("roles.{role}"), message }),
        }
    }
    if errors.is_empty() {
        Ok(Scale { roles: counts, if_generation: relative.then_some(service.generation) })
    } else {
        Err(Problem::fields(errors))
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use aerie_domain::{
        Credits, ServiceState,
        views::{ConnectionsView, RoleView, ServiceSummary, ServiceVolumesView},
    };
    use time::macros::datetime;

    fn service() -> ServiceView {
        let role = |name: &str, count| RoleView {
            name: name.to_owned(),
            title: name.to_owned(),
            summary: String::new(),
            count,
            serving: 0,
            min: 1,
            max: 8,
            auxiliary: false,
            counts_requests: true,
            figures: Vec::new(),
        };
        ServiceView {
            summary: ServiceSummary {
                id: ServiceId::generate(),
                application_id: ApplicationId::generate(),
                name: "blog".to_owned(),
                kind: "php".to_owned(),
                kind_title: "PHP".to_owned(),
                state: ServiceState::Running,
                reason: String::new(),
                instances: 1,
                address: None,
                per_hour: Credits::whole(1),
                role_counts: Vec::new(),
                figures: Vec::new(),
                keeps_volumes: false,
            },
            application: "shop".to_owned(),
            owner: "ada".to_owned(),
            read_only: false,
            state_since: datetime!(2026-11-21 14:03:22 UTC),
            generation: 7,
            observed_generation: 7,
            created_at: datetime!(2026-11-21 14:03:22 UTC),
            roles: vec![role("web", 1), role("php", 2)],
            instances: Vec::new(),
            versions: Vec::new(),
            settings: Vec::new(),
            variables: Vec::new(),
            connections: ConnectionsView::default(),
            volumes: ServiceVolumesView::default(),
            operation: None,
            takes_code: true,
            instance_price: Credits::whole(1),
        }
    }

    fn typed(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(role, text)| ((*role).to_owned(), (*text).to_owned())).collect()
    }

    /// What the server renders from and what the browser reads must be the same, or hydration fails.
    #[test]
    fn the_page_s_data_survives_its_way_to_the_browser() {
        let data = Dated {
            now: datetime!(2026-11-21 14:03:22.417 UTC),
            seen: Some("12-3".to_owned()),
            data: ServiceData { service: service(), icon: String::new(), git: None },
        };
        let json = serde_json::to_string(&data).unwrap();
        assert_eq!(serde_json::from_str::<Dated<ServiceData>>(&json).unwrap(), data);
    }

    #[test]
    fn the_address_for_git_names_whose_token_is_wanted() {
        let address = git_address("https://cloud.example.org:7700", &service());
        assert_eq!(address, "https://ada@cloud.example.org:7700/git/shop/blog.git");
    }

    #[test]
    fn changes_are_reckoned_from_the_counts_they_were_typed_for() {
        let form = scale_form(&service(), &typed(&[("web", "3"), ("php", "+2")])).unwrap();
        assert_eq!(form.roles, BTreeMap::from([("web".to_owned(), 3), ("php".to_owned(), 4)]));
        assert_eq!(form.if_generation, Some(7));
        let form = scale_form(&service(), &typed(&[("web", "3")])).unwrap();
        assert_eq!(form.if_generation, None);
    }

    #[test]
    fn every_count_that_cannot_be_read_is_named() {
        let problem = scale_form(&service(), &typed(&[("web", "many"), ("php", "")])).unwrap_err();
        assert!(problem.message_for("roles.web").is_some() && problem.message_for("roles.php").is_some());
    }
}
