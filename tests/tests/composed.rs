//! Services that use each other: `docs/howto/java-mysql.md` for real, and the order in which they come and go.

use aerie_domain::{
    OperationId, Problem, ProblemCode, ServiceId, ServiceState,
    views::{AcceptedAll, ApplicationView, OperationView, ServiceView},
};
use aerie_tests::{Api, HowTo, Installation, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// A service beside another one, used by that.
async fn used_by(ada: &Api, user: &ServiceView, kind: &str, name: &str) -> Result<ServiceId> {
    let path = format!("/applications/{}/services", user.summary.application_id);
    let form = json!({ "kind": kind, "name": name });
    let made: ServiceView = ada.json(Method::POST, &path, Some(form)).await?;
    let path = format!("/services/{}/bindings/{}", user.summary.id, made.summary.id);
    ada.accepted(Method::PUT, &path, Some(json!({}))).await?;
    Ok(made.summary.id)
}

#[tokio::test]
async fn a_java_application_keeps_its_guests_in_a_database() -> Result<()> {
    let home = Installation::start("composed").await?;
    let ada = home.api().register("ada").await?;
    let site = ada.application_with("guests", "java").await?;
    let (id, address) = (site.summary.id, site.summary.address.clone().context("an address")?);
    let db = used_by(&ada, &site, "mysql", "db").await?;
    let _: Value = ada.json(Method::POST, &format!("/services/{db}/start"), None).await?;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let version = ada.upload(id, "guests.war", HowTo::follow("howto/java-mysql")?.file("guests.war")?).await?;
    let form = json!({ "version_id": version.id });
    ada.accepted(Method::POST, &format!("/services/{id}/activate"), Some(form)).await?;

    let visitor = Visitor::patient_browser_like(&address)?;
    let visit = async |query: &str| {
        let answer = visitor.get(format!("{address}/{query}")).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status == 200, "{status} {text}");
        Ok(text)
    };
    ensure!(visit("?name=Ada").await?.trim() == "Ada", "the first guest");
    ensure!(visit("?name=J%C3%BCrgen%20%F0%9F%90%98").await?.trim() == "Ada\nJürgen 🐘", "the second guest");

    ada.accepted(Method::PUT, &format!("/services/{id}/scale"), Some(json!({ "roles": { "java": 2 } }))).await?;
    for turn in 0..6 {
        ensure!(visit("").await?.starts_with("Ada\nJürgen"), "turn {turn}");
    }
    Ok(())
}

#[tokio::test]
async fn a_whole_application_comes_and_goes_in_the_order_of_its_bindings() -> Result<()> {
    let home = Installation::start("order").await?;
    let ada = home.api().register("ada").await?;
    let site = ada.application_with("shop", "php").await?;
    let (id, application) = (site.summary.id, site.summary.application_id);
    let store = used_by(&ada, &site, "keyvalue", "cache").await?;

    let whole = async |what: &str| -> Result<Vec<OperationId>> {
        let accepted: AcceptedAll =
            ada.json(Method::POST, &format!("/applications/{application}/{what}"), None).await?;
        Ok(accepted.operations.into_iter().map(|operation| operation.id).collect())
    };
    let ends = async |operations: &[OperationId]| -> Result<Vec<OffsetDateTime>> {
        let mut ends = Vec::new();
        for operation in operations {
            let end = until("an operation to end", Duration::from_secs(180), || async {
                let view: OperationView = ada
                    .json(Method::GET, &format!("/operations/{operation}"), None)
                    .await
                    .map_err(|error| error.to_string())?;
                view.ended_at.filter(|_| view.error.is_empty()).ok_or(format!("{} {}", view.progress, view.error))
            });
            ends.push(end.await?);
        }
        Ok(ends)
    };
    // In the order of their making: the site, the store.
    let started = ends(&whole("start").await?).await?;
    ensure!(started[1] < started[0], "what is used runs first: {started:?}");

    // What the store tells is on the page of the application within some seconds.
    let keys = until("figures", Duration::from_secs(40), || async {
        let view: ApplicationView =
            ada.json(Method::GET, &format!("/applications/{application}"), None).await.map_err(|e| e.to_string())?;
        let store = view.services.iter().find(|service| service.id == store).ok_or("no store")?;
        let figures: Vec<_> = store.figures.iter().map(|figure| (figure.spec.name.clone(), figure.value)).collect();
        if figures.iter().all(|(_, value)| value.is_some()) { Ok(figures) } else { Err(format!("{figures:?}")) }
    })
    .await?;
    ensure!(keys.iter().map(|(name, _)| name.as_str()).eq(["keys", "memory", "operations"]), "{keys:?}");
    ensure!(keys[0].1 == Some(0.0) && keys[1].1 > Some(0.0), "{keys:?}");

    let stopped = ends(&whole("stop").await?).await?;
    ensure!(stopped[0] < stopped[1], "who uses stops first: {stopped:?}");
    let view: ApplicationView = ada.json(Method::GET, &format!("/applications/{application}"), None).await?;
    ensure!(view.services.iter().all(|service| service.state == ServiceState::Stopped), "{:?}", view.services);
    ensure!(view.uses.len() == 1 && view.uses[0].service_id == id, "{:?}", view.uses);
    let again: Problem = ada.refused(Method::POST, &format!("/applications/{application}/stop"), None).await?;
    ensure!(again.code == ProblemCode::Conflict, "{again}");
    Ok(())
}
