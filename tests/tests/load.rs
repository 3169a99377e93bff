//! Load: the generator sends, the graphs show, errors are seen, and scaling spreads the work.

use aerie_domain::{
    ServiceId, ServiceState,
    views::{LoadRunState, LoadRunView, LoadView},
};
use aerie_tests::{Api, Browser, Installation, Sample, Scripts, until};
use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

/// Sends requests and waits for the end of it.
async fn send(ada: &Api, id: ServiceId, rate: u32, seconds: u32, path: &str) -> Result<LoadRunView> {
    let form = json!({ "rate": rate, "seconds": seconds, "path": path });
    let run: LoadRunView = ada.json(Method::POST, &format!("/services/{id}/load-runs"), Some(form)).await?;
    let path = format!("/load-runs/{}", run.id);
    until("the run to end", Duration::from_secs(40), || async {
        let run: LoadRunView = ada.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
        if run.state == LoadRunState::Running { Err(format!("{} sent", run.sent)) } else { Ok(run) }
    })
    .await
}

fn highest(numbers: &[Option<f64>]) -> f64 {
    numbers.iter().flatten().copied().fold(0.0, f64::max)
}

/// Waits until the graphs show what `seen` looks for.
async fn shown(ada: &Api, id: ServiceId, what: &str, seen: impl Fn(&LoadView) -> bool) -> Result<LoadView> {
    until(what, Duration::from_secs(30), || async {
        let load: LoadView =
            ada.json(Method::GET, &format!("/services/{id}/load"), None).await.map_err(|error| error.to_string())?;
        if seen(&load) { Ok(load) } else { Err(serde_json::to_string(&load).unwrap_or_default()) }
    })
    .await
}

#[tokio::test]
async fn the_graphs_show_what_the_generator_sends() -> Result<()> {
    let home = Installation::start("load").await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("blog", "php").await?.summary.id;
    let mut sample = Sample::guest_book("one");
    sample
        .files
        .push(("work.php", "<?php for ($i = 0; $i < 20000; $i++) { $x = md5((string) $i); } echo $x;".to_owned()));
    sample.files.push(("fail.php", "<?php http_response_code(500); echo 'no';".to_owned()));
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let version = ada.upload(id, "site.tar.gz", sample.tar_gz()?).await?;
    ada.accepted(Method::POST, &format!("/services/{id}/activate"), Some(json!({ "version_id": version.id }))).await?;

    let run = send(&ada, id, 100, 10, "/plain.php").await?;
    ensure!(run.state == LoadRunState::Done && run.sent == 1000 && run.ok == 1000, "{run:?}");
    ensure!(run.p50_ms.is_some_and(|ms| ms > 0.0) && run.p99_ms >= run.p50_ms, "{run:?}");
    let load = shown(&ada, id, "a hundred requests per second", |load| {
        load.roles.get("proxy").is_some_and(|role| (90.0..110.0).contains(&highest(&role.requests)))
    })
    .await?;
    let proxy = &load.roles["proxy"];
    ensure!(highest(&proxy.p95_ms) > 0.0 && highest(&proxy.errors) == 0.0, "{proxy:?}");
    ensure!(highest(&load.roles["web"].requests) > 90.0, "nginx counts too: {:?}", load.roles["web"]);
    let packed = load.instances.iter().find(|instance| instance.roles.contains_key("proxy")).cloned();
    let packed = packed.ok_or_else(|| anyhow::anyhow!("the packed instance is missing: {load:?}"))?;
    ensure!(highest(&packed.cpu_millis) > 10.0, "{packed:?}");
    ensure!(highest(&packed.received_bytes) > 1000.0 && highest(&packed.sent_bytes) > 1000.0, "{packed:?}");
    ensure!(packed.memory_limit_bytes == 512 << 20 && highest(&packed.memory_bytes) > 1e6, "{packed:?}");

    // Long enough to fill one of the slots of 5 s, wherever they begin.
    let run = send(&ada, id, 20, 11, "/fail.php").await?;
    ensure!(run.failed == 220 && run.statuses.get(&500) == Some(&220), "{run:?}");
    shown(&ada, id, "twenty errors per second", |load| highest(&load.roles["proxy"].errors) > 15.0).await?;

    let scale = json!({ "roles": { "web": 2, "php": 2 } });
    ada.accepted(Method::PUT, &format!("/services/{id}/scale"), Some(scale)).await?;
    ada.wait_state(id, ServiceState::Running).await?;
    let run = send(&ada, id, 40, 8, "/work.php").await?;
    ensure!(run.failed == 0, "{run:?}");
    let load = shown(&ada, id, "both web instances at work", |load| {
        let at_work = |role: &str| {
            load.instances
                .iter()
                .filter(|i| i.roles.get(role).is_some_and(|role| highest(&role.requests[40..]) > 10.0))
                .count()
        };
        at_work("web") >= 2
    })
    .await?;
    let busy =
        load.instances.iter().filter(|instance| instance.present && highest(&instance.cpu_millis) > 20.0).count();
    ensure!(busy >= 3, "web and php instances: {load:?}");

    page(&home, id).await
}

/// The page shows it, with scripts and without.
async fn page(home: &Installation, id: ServiceId) -> Result<()> {
    for scripts in [Scripts::Off, Scripts::On] {
        let browser = Browser::open(&home.url(), scripts).await?;
        browser.go("/login").await?;
        browser.fill("#field-user_name", "ada").await?;
        browser.fill("#field-password", "correct horse battery").await?;
        browser.click("main form button[type=submit]").await?;
        browser.see("credits", Duration::from_secs(20)).await?;
        browser.go(&format!("/services/{id}?load=1h&each=on")).await?;
        browser.find("#load svg path.line-1").await?;
        browser.go(&format!("/services/{id}")).await?;
        browser.find("#load svg path.line-0").await?;
        browser.fill("#generator-rate", "900").await?;
        browser.click("#load-generator button[type=submit]").await?;
        browser.see("between 1 and 500", Duration::from_secs(20)).await?;
        browser.fill("#generator-rate", "10").await?;
        browser.fill("#generator-seconds", "2").await?;
        browser.click("#load-generator button[type=submit]").await?;
        browser.see("10 requests/s for 2 s", Duration::from_secs(20)).await?;
        browser.see("20 of 20", Duration::from_secs(20)).await?;
        if scripts == Scripts::On {
            let ends = ".chart-ends span:last-child";
            let first = browser.find(ends).await?.text().await?;
            until("the graph to move", Duration::from_secs(20), || async {
                let now = browser.find(ends).await.map_err(|error| error.to_string())?;
                let now = now.text().await.map_err(|error| error.to_string())?;
                if now == first { Err(now) } else { Ok(()) }
            })
            .await?;
        }
        browser.close().await?;
    }
    Ok(())
}
