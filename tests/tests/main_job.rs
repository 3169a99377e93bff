//! The main job by REST, with real containers: compose, deploy, scale, update, watch, and lose no request on the way.

use aerie_domain::{ProblemCode, ServiceState, views::CodeVersionView};
use aerie_tests::{Installation, Sample, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_php_application_is_deployed_scaled_and_updated_without_losing_a_request() -> Result<()> {
    let home = Installation::start("main").await?;
    let ada = home.api().register("ada").await?;
    let service = ada.application_with("blog", "php").await?;
    let id = service.summary.id;
    let path = |end: &str| format!("/services/{id}{end}");
    ensure!(service.summary.state == ServiceState::Init, "a new service is not started");
    let address = service.summary.address.clone().context("php has a public address")?;
    ensure!(address == format!("http://blog.ada.localhost:{}", home.public_port), "{address}");

    // Nothing runs yet: a plain page says so.
    let visitor = Visitor::browser_like(&address)?;
    until("the entry to answer", Duration::from_secs(180), || async {
        let response = visitor.get(&address).send().await.map_err(|error| error.to_string())?;
        if response.status() == 503 { Ok(()) } else { Err(response.status().to_string()) }
    })
    .await?;

    // Start: one packed instance, the welcome page.
    ada.accepted(Method::POST, &path("/start"), None).await?;
    let running = ada.wait_state(id, ServiceState::Running).await?;
    ensure!(running.summary.instances == 1, "packed: {:?}", running.instances);
    let packed = running.instances.iter().find(|i| !i.auxiliary).context("one instance")?;
    ensure!(packed.roles.iter().map(|r| r.role.as_str()).collect::<Vec<_>>() == ["proxy", "web", "php"], "{packed:?}");
    let welcome = visitor.get(&address).send().await?;
    let (status, welcome) = (welcome.status(), welcome.text().await?);
    ensure!(status == 200 && welcome.to_lowercase().contains("welcome"), "welcome page: {status} {welcome}");

    // A real application with sessions.
    let first: CodeVersionView = ada.upload(id, "guest-book-1.tar.gz", Sample::guest_book("one").tar_gz()?).await?;
    ensure!(first.number == 1 && !first.active && first.files == 6, "{first:?}");
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": first.id }))).await?;
    let shown = page(&visitor, &address).await.with_context(|| "page 1")?;
    ensure!(shown.contains("guest book one half=one visits=1"), "{shown}");

    // Under load from here on: scale out, change code, change settings, scale in.
    let load = Visitor::keep_asking(&format!("{address}/plain.php"), 4)?;
    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "web": 2, "php": 3 } }))).await?;
    let wide = ada.service(id).await?;
    let count = |role: &str| wide.instances.iter().filter(|i| i.roles.iter().any(|r| r.role == role)).count();
    ensure!((count("proxy"), count("web"), count("php")) == (1, 2, 3), "{:?}", wide.instances);
    ensure!(wide.summary.instances == 6, "roles stand alone: {}", wide.summary.instances);

    let second = ada.upload(id, "guest-book-2.tar.gz", Sample::guest_book("two").tar_gz()?).await?;
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": second.id }))).await?;
    let shown = page(&visitor, &address).await.with_context(|| "page 2")?;
    ensure!(shown.contains("guest book two half=two visits=2"), "the session survived scaling and activation: {shown}");

    let settings =
        json!({ "settings": { "memory_limit": "96M" }, "variables": [{ "name": "MOOD", "value": "fine; \"x\" $y" }] });
    ada.accepted(Method::PUT, &path("/settings"), Some(settings)).await?;
    let shown = page(&visitor, &address).await.with_context(|| "page 3")?;
    ensure!(shown.contains("visits=3 mood=fine; \"x\" $y"), "{shown}");

    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "web": 1, "php": 1 } }))).await?;
    let narrow = ada.wait_state(id, ServiceState::Running).await?;
    ensure!(narrow.summary.instances == 1, "packed again: {:?}", narrow.instances);
    let shown = page(&visitor, &address).await.with_context(|| "page 4")?;
    ensure!(shown.contains("guest book two half=two visits=4"), "the session survived packing: {shown}");

    // Rolling back is activating an older version.
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": first.id }))).await?;
    let seen = load.finish_without_loss(100, &ada, id).await?;
    let bodies: Vec<&str> = seen.bodies.keys().map(String::as_str).collect();
    ensure!(bodies == ["one/one", "two/two"], "no request saw half-changed code: {:?}", seen.bodies);

    // What visitors must not get.
    let secret = visitor.get(format!("{address}/.env")).send().await.context("secret")?;
    ensure!(!secret.status().is_success(), "dot files are not served: {}", secret.status());
    let foreign = visitor
        .get(&address)
        .header("X-Aerie-Version", second.id.to_string())
        .send()
        .await
        .context("foreign version")?
        .text()
        .await?;
    ensure!(foreign.contains("guest book one"), "visitors cannot choose a version: {foreign}");

    // Logs: the manager's and every role's.
    let logs = ada.send(Method::GET, &path("/logs?format=text&tail=5000"), None).await?.text().await?;
    for needed in ["manager", "proxy", "web", "php"] {
        ensure!(logs.contains(needed), "log lines of {needed} are missing in:\n{logs}");
    }

    // Stop and start keep the address, code and data; delete leaves nothing.
    ada.accepted(Method::POST, &path("/stop"), None).await?;
    ada.wait_state(id, ServiceState::Stopped).await?;
    // The entry learns of the last step a moment after the service has ended.
    until("the address to say that the application is stopped", Duration::from_secs(5), || async {
        let shown = page(&visitor, &address).await.map_err(|error| error.to_string())?;
        if shown.contains("is stopped") { Ok(()) } else { Err(shown) }
    })
    .await?;
    ada.accepted(Method::POST, &path("/start"), None).await?;
    let shown = page(&visitor, &address).await.with_context(|| "page 5")?;
    ensure!(
        shown.contains("guest book one half=one visits=6"),
        "the session store's volume outlived the stop: {shown}"
    );
    ada.accepted(Method::DELETE, &path(""), None).await?;
    let gone = ada.refused(Method::GET, &path(""), None).await?;
    ensure!(gone.code == ProblemCode::NotFound, "{gone}");
    let left = home.containers()?;
    ensure!(left.len() == 1, "only the entry is left: {left:?}");
    Ok(())
}

#[tokio::test]
async fn mistakes_are_explained_and_lose_nothing() -> Result<()> {
    let home = Installation::start("mistakes").await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("blog", "php").await?.summary.id;
    let path = |end: &str| format!("/services/{id}{end}");

    for (roles, field) in [
        (json!({ "php": -1 }), "roles.php"),
        (json!({ "php": 0 }), "roles.php"),
        (json!({ "php": 10_000 }), "roles.php"),
        (json!({ "cobol": 1 }), "roles.cobol"),
        (json!({ "sessions": 2 }), "roles.sessions"),
    ] {
        let problem = ada.refused(Method::PUT, &path("/scale"), Some(json!({ "roles": roles }))).await?;
        ensure!(problem.code == ProblemCode::InvalidInput && problem.message_for(field).is_some(), "{problem:?}");
    }
    let settings = json!({ "settings": { "memory_limit": "9999M", "nonsense": "1" } });
    let problem = ada.refused(Method::PUT, &path("/settings"), Some(settings)).await?;
    ensure!(problem.errors.len() == 2, "one message per field: {problem:?}");

    for (name, bytes) in [("page.html", b"<html>".to_vec()), ("empty.zip", Vec::new())] {
        let response = ada.upload_raw(id, name, bytes).await?;
        ensure!(response.status() == 422, "{name}: {}", response.status());
    }
    let good = Sample::guest_book("one").tar_gz()?;
    let response = ada.upload_raw(id, "cut.tar.gz", good[..good.len() / 2].to_vec()).await?;
    ensure!(response.status() == 422, "half an archive: {}", response.status());

    // Somebody else sees nothing of it.
    let eve = home.api().register("eve").await?;
    for (method, end) in [(Method::GET, ""), (Method::POST, "/start"), (Method::DELETE, ""), (Method::GET, "/logs")] {
        let problem = eve.refused(method, &path(end), None).await?;
        ensure!(problem.code == ProblemCode::NotFound, "{problem:?}");
    }

    // Two people scale at once: the second is told.
    let generation = ada.service(id).await?.generation;
    let scale = |count: u32| json!({ "roles": { "php": count }, "if_generation": generation });
    ada.json::<serde_json::Value>(Method::PUT, &path("/scale"), Some(scale(2))).await?;
    let problem = ada.refused(Method::PUT, &path("/scale"), Some(scale(3))).await?;
    ensure!(problem.code == ProblemCode::ChangedMeanwhile, "{problem:?}");
    ada.json::<serde_json::Value>(Method::PUT, &path("/scale"), Some(json!({ "roles": { "php": 1 } }))).await?;

    // Code that does not parse: the page says so, and the earlier version can be activated again.
    ada.accepted(Method::POST, &path("/start"), None).await?;
    let first = ada.upload(id, "good.tar.gz", good).await?;
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": first.id }))).await?;
    let broken = ada.upload(id, "broken.tar.gz", Sample::broken().tar_gz()?).await?;
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": broken.id }))).await?;
    let told = until("the check to tell", Duration::from_secs(30), || async {
        let view = ada.service(id).await.map_err(|error| error.to_string())?;
        let version = view.versions.into_iter().find(|version| version.id == broken.id).ok_or("no version")?;
        version.check.ok_or_else(|| "not checked yet".to_owned())
    })
    .await?;
    ensure!(!told.ok && told.output.contains("index.php"), "{told:?}");
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": first.id }))).await?;
    let address = ada.service(id).await?.summary.address.context("address")?;
    let page = Visitor::browser_like(&address)?.get(&address).send().await?.text().await?;
    ensure!(page.contains("guest book one"), "{page}");

    // An instance dies: it is replaced, and the service answers again.
    let container = home.containers()?.into_iter().find(|name| is_packed(&home, name)).context("a php container")?;
    home.docker(&["kill", &container])?;
    until("the page after a crash", Duration::from_secs(60), || async {
        let client = Visitor::browser_like(&address).map_err(|error| error.to_string())?;
        let response = client.get(&address).send().await.map_err(|error| error.to_string())?;
        if response.status() == 200 { Ok(()) } else { Err(response.status().to_string()) }
    })
    .await?;

    // Stop works at once, also while something else is on its way.
    ada.json::<serde_json::Value>(Method::PUT, &path("/scale"), Some(json!({ "roles": { "php": 3 } }))).await?;
    ada.accepted(Method::DELETE, &path(""), None).await?;
    ensure!(home.containers()?.len() == 1, "only the entry is left");
    Ok(())
}

/// Whether a container runs the packed roles (it listens as proxy), told by its processes.
fn is_packed(home: &Installation, name: &str) -> bool {
    home.docker(&["top", name]).is_ok_and(|processes| processes.contains("php-fpm"))
}

#[tokio::test]
async fn a_killed_director_comes_back_and_finishes_what_was_asked() -> Result<()> {
    let mut home = Installation::start("killed").await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("blog", "php").await?.summary.id;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let address = ada.service(id).await?.summary.address.context("address")?;
    let load = Visitor::keep_asking(&address, 2)?;
    ada.json::<serde_json::Value>(
        Method::PUT,
        &format!("/services/{id}/scale"),
        Some(json!({ "roles": { "php": 3 } })),
    )
    .await?;
    home.kill_director()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    home.restart_director().await?;
    let view = until("three php instances", Duration::from_secs(90), || async {
        let view = ada.service(id).await.map_err(|error| error.to_string())?;
        let serving = view.roles.iter().find(|role| role.name == "php").map_or(0, |role| role.serving);
        if serving == 3 && view.summary.state == ServiceState::Running {
            Ok(view)
        } else {
            Err(format!("{} with {serving} php", view.summary.state))
        }
    })
    .await?;
    ensure!(view.summary.instances == 4, "{:?}", view.instances);
    load.finish_without_loss(0, &ada, id).await?;
    Ok(())
}

/// The public page, as a person who keeps coming back sees it: like a browser, asks once more when a connection that
/// was kept from before turns out to be closed.
async fn page(visitor: &reqwest::Client, address: &str) -> Result<String> {
    let answer = match visitor.get(address).send().await {
        Ok(answer) => answer,
        Err(_) => visitor.get(address).send().await.map_err(|error| anyhow::anyhow!("{error:?}"))?,
    };
    Ok(answer.text().await?)
}
