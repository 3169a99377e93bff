//! Kinds for the web besides php, by REST and with real containers: created, started, used for what they are for.

use aerie_domain::{ServiceId, ServiceState, views::InstanceView};
use aerie_tests::{Api, Installation, Sample, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

#[tokio::test]
async fn hello_world_greets_from_as_many_instances_as_wanted() -> Result<()> {
    let home = Installation::start("hello").await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("hi", "helloworld").await?.summary.id;
    let path = |end: &str| format!("/services/{id}{end}");
    ada.accepted(Method::POST, &path("/start"), None).await?;
    let address = ada.service(id).await?.summary.address.context("address")?;
    let greeting = Visitor::browser_like(&address)?.get(&address).send().await?.text().await?;
    ensure!(greeting.starts_with("Hello, world! I am instance "), "{greeting}");

    let load = Visitor::keep_asking(&address, 2)?;
    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "hello": 3 } }))).await?;
    let settings = json!({ "settings": { "greeting": "Good \"evening\", $USER;" }, "variables": [] });
    ada.accepted(Method::PUT, &path("/settings"), Some(settings)).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let seen = load.finish_without_loss(0, &ada, id).await?;
    let of = |start: &str| seen.bodies.keys().filter(|body| body.starts_with(start)).collect::<BTreeSet<_>>();
    ensure!(!of("Hello, world! ").is_empty(), "{:?}", seen.bodies);
    ensure!(of("Good \"evening\", $USER; ").len() == 3, "all three say the new greeting: {:?}", seen.bodies);
    Ok(())
}

#[tokio::test]
async fn a_java_application_is_deployed_scaled_and_updated_without_losing_a_request() -> Result<()> {
    let home = Installation::start("java").await?;
    let ada = home.api().register("ada").await?;
    let service = ada.application_with("book", "java").await?;
    let id = service.summary.id;
    let path = |end: &str| format!("/services/{id}{end}");
    ada.accepted(Method::POST, &path("/start"), None).await?;
    let running = ada.wait_state(id, ServiceState::Running).await?;
    ensure!(running.summary.instances == 1, "packed: {:?}", running.instances);
    let address = running.summary.address.context("address")?;
    let visitor = Visitor::browser_like(&address)?;
    let welcome = visitor.get(&address).send().await?.text().await?;
    ensure!(welcome.contains("Welcome") && welcome.contains("Apache Tomcat/10"), "{welcome}");

    // A .war with a wildcard mapping.
    let activate = async |name: &str, archive: Vec<u8>| {
        let version = ada.upload(id, name, archive).await?;
        let body = json!({ "version_id": version.id });
        ada.accepted(Method::POST, &path("/activate"), Some(body)).await?;
        anyhow::Ok(version.id)
    };
    activate("book-1.war", Sample::java_guest_book("one").zip()?).await?;
    visits(&visitor, &address, "guest book one visits=1 mood=null").await?;

    // Under load: two java instances, another version.
    let load = Visitor::keep_asking(&format!("{address}/book/any/where"), 3)?;
    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "java": 2 } }))).await?;
    visits(&visitor, &address, "guest book one visits=2").await?;
    activate("book-2.tar.gz", Sample::java_guest_book("two").tar_gz()?).await?;
    visits(&visitor, &address, "guest book two visits=3").await?;
    let seen = load.finish_without_loss(0, &ada, id).await?;
    let bodies: Vec<&str> = seen.bodies.keys().map(|body| body.trim()).collect();
    ensure!(bodies == ["one/any/where", "two/any/where"] && seen.good > 50, "{:?}", seen.bodies);

    // What only a new process can take, with two java instances: the heap and a variable, and at last a restart.
    let every_where = format!("{address}/book/any/where");
    let load = Visitor::keep_asking_for(&every_where, 3, Duration::from_secs(300))?;
    let before = shorts(&ada, id).await?;
    let settings = json!({ "settings": { "heap": "200M" }, "variables": [{ "name": "MOOD", "value": "calm" }] });
    ada.accepted(Method::PUT, &path("/settings"), Some(settings)).await?;
    visits(&visitor, &address, "guest book two visits=4 mood=calm").await?;
    let changed = shorts(&ada, id).await?;
    ensure!(changed.len() == before.len() && changed.is_disjoint(&before), "{before:?} {changed:?}");
    ada.accepted(Method::POST, &path("/restart"), None).await?;
    let restarted = shorts(&ada, id).await?;
    ensure!(restarted.len() == before.len() && restarted.is_disjoint(&changed), "{changed:?} {restarted:?}");
    // The same of the packed instance.
    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "java": 1 } }))).await?;
    let settings = json!({ "settings": { "heap": "256M" }, "variables": [{ "name": "MOOD", "value": null }] });
    ada.accepted(Method::PUT, &path("/settings"), Some(settings)).await?;
    load.finish_without_loss(50, &ada, id).await?;
    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "java": 2 } }))).await?;

    // One of the two dies: the session is on neither of them.
    let view = ada.service(id).await?;
    let dying =
        view.instances.iter().find(|i| i.roles.iter().any(|role| role.role == "java")).context("an instance")?;
    let container = home.containers()?.into_iter().find(|name| name.ends_with(&format!("-{}", dying.short)));
    home.docker(&["kill", &container.context("its container")?])?;
    until("an answer after the death of an instance", Duration::from_secs(60), || async {
        let answer = visitor.get(format!("{address}/book/here")).send().await.map_err(|error| error.to_string())?;
        if answer.status() == 200 { Ok(()) } else { Err(answer.status().to_string()) }
    })
    .await?;
    visits(&visitor, &address, "guest book two visits=5").await?;

    // A program where a web application is expected: said at the version.
    let program = activate("tool.jar", Sample::java_program().zip()?).await?;
    let told = until("the check to tell", Duration::from_secs(30), || async {
        let view = ada.service(id).await.map_err(|error| error.to_string())?;
        let version = view.versions.into_iter().find(|version| version.id == program).ok_or("no version")?;
        version.check.ok_or_else(|| "not checked yet".to_owned())
    })
    .await?;
    ensure!(!told.ok && told.output.starts_with("This is a .jar"), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn the_owner_is_told_which_java_code_does_not_start() -> Result<()> {
    let home = Installation::start("java-failing").await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("shop", "java").await?.summary.id;
    let path = |end: &str| format!("/services/{id}{end}");
    ada.accepted(Method::POST, &path("/start"), None).await?;
    let address = ada.wait_state(id, ServiceState::Running).await?.summary.address.context("address")?;
    let visitor = Visitor::browser_like(&address)?;
    let activate = async |archive: Vec<u8>| {
        let version = ada.upload(id, "shop.war", archive).await?;
        ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": version.id }))).await?;
        anyhow::Ok(version.number)
    };
    let told = async |expected: &str| {
        until(&format!("the service to say {expected:?}"), Duration::from_secs(30), || async {
            let summary = ada.service(id).await.map_err(|error| error.to_string())?.summary;
            let as_it_should = summary.state == ServiceState::Running && summary.reason == expected;
            if as_it_should { Ok(()) } else { Err(format!("{:?} {}", summary.state, summary.reason)) }
        })
        .await
    };
    let visit = async |page: &str| {
        let answer = visitor.get(format!("{address}{page}")).send().await?;
        anyhow::Ok((answer.status().as_u16(), answer.text().await?))
    };

    // One servlet does not start: the rest of the application works.
    let number = activate(Sample::java_with_a_servlet_that_fails().zip()?).await?;
    told(&format!(
        "The servlet stock of version {number} could not be started: java.lang.IllegalStateException: no warehouse"
    ))
    .await?;
    let (status, page) = visit("/").await?;
    ensure!(status == 200 && page.contains("the page works"), "{status} {page}");
    let (status, page) = visit("/stock").await?;
    ensure!(status == 500, "{status} {page}");

    // Nothing of it starts.
    let number = activate(Sample::java_without_its_listener().zip()?).await?;
    let failed = format!(
        "Version {number} could not be started, so visitors get an error page: \
         java.lang.ClassNotFoundException: shop.Missing"
    );
    told(&failed).await?;
    let (status, page) = visit("/").await?;
    ensure!(status == 503 && page.contains("This version could not be started"), "{status} {page}");
    let log = ada.send(Method::GET, &path("/logs?format=text&tail=5000"), None).await?.text().await?;
    ensure!(log.contains(&failed) && log.contains("shop.Missing"), "{log}");

    // What only a new Tomcat can show is told by it as well; then the way back.
    ada.accepted(Method::POST, &path("/restart"), None).await?;
    told(&failed).await?;
    activate(Sample::java_guest_book("one").zip()?).await?;
    told("").await?;
    visits(&visitor, &address, "guest book one visits=1 mood=null").await
}

/// The instances that run code, without helpers.
async fn shorts(api: &Api, id: ServiceId) -> Result<BTreeSet<String>> {
    let view = api.service(id).await?;
    let runs_code = |instance: &&InstanceView| instance.roles.iter().any(|role| role.role != "sessions");
    Ok(view.instances.iter().filter(runs_code).map(|instance| instance.short.clone()).collect())
}

/// The visitor's next visit.
async fn visits(visitor: &Client, address: &str, expected: &str) -> Result<()> {
    let url = format!("{address}/book/visit");
    let answer = match visitor.get(&url).send().await {
        Ok(answer) => answer,
        // A connection that was kept from before may turn out to be closed; a browser asks once more.
        Err(_) => visitor.get(&url).send().await?,
    };
    let text = answer.text().await?;
    ensure!(text.trim().starts_with(expected), "{text} instead of {expected}");
    Ok(())
}
