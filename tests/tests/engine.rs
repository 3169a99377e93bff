//! The machine under an installation: its Docker daemon dies and comes back, and it loses its power. It is one of this
//! test's own, in namespaces, so that nobody else's containers notice; director and database run in there, too.

use aerie_domain::{ServiceState, views::ServiceView};
use aerie_tests::{Cluster, Installation, Machine, Shop, Successor, Visitor, until};
use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const TEST: &str = "a_machine_that_fails_takes_nothing_along";
const CONVERGED: Duration = Duration::from_secs(30);
/// Three database servers and a site start on two processors that do everything else as well.
const UP: Duration = Duration::from_secs(180);
/// Rows after which the power fails.
const ROWS: usize = 50;
/// Nobody else is in the network of the machine.
const DATABASE_PORT: u16 = 5432;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_fails_takes_nothing_along() -> Result<()> {
    let Some((machine, part)) = Machine::inside() else { return outside().await };
    machine.boot()?;
    match part.as_str() {
        "daemon" => the_daemon_dies(&machine).await,
        "before" => until_the_power_fails(&machine).await,
        "after" => after_the_power_failed(&machine).await,
        other => bail!("there is no part {other}"),
    }
}

async fn outside() -> Result<()> {
    let machine = {
        let home = Installation::start("engine-images").await?;
        let ada = home.api().register("ada").await?;
        for kind in ["php", "mysql"] {
            let id = ada.application_with(kind, kind).await?.summary.id;
            ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
        }
        Machine::new("engine", &home.containers()?)?
    };
    machine.run(TEST, "daemon")?;

    let mut running = machine.begin(TEST, "before")?;
    let begun = until("rows in the database", UP + CONVERGED, || async {
        let rows = acknowledged(&machine).len();
        if rows < ROWS { Err(format!("{rows} rows\n{}", machine.said())) } else { Ok(()) }
    })
    .await;
    let ended = running.try_wait()?;
    running.kill()?;
    running.wait()?;
    // left by a director that had no time to clean up
    if let Ok(folder) = fs::read_to_string(machine.path("left")) {
        let _ = fs::remove_dir_all(PathBuf::from(folder));
    }
    begun?;
    ensure!(ended.is_none(), "it ended by itself: {}", machine.said());
    machine.run(TEST, "after")
}

async fn the_daemon_dies(machine: &Machine) -> Result<()> {
    let cluster = Cluster::start("engine", &[])?;
    let socket = machine.socket();
    let home = Installation::start_on(&cluster.url, "engine", &[("AERIE_DOCKER_SOCKET", &socket)]).await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("blog", "php").await?.summary.id;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let address = ada.service(id).await?.summary.address.context("an address")?;
    let load = Visitor::keep_asking(&address, 2)?;

    let mut php = 1;
    for what in ["killed", "stopped"] {
        match what {
            "killed" => machine.kill_docker()?,
            _ => machine.stop_docker().await?,
        }
        // a change that is asked for meanwhile is kept, and explained
        php += 1;
        let body = json!({ "roles": { "php": php } });
        let _: serde_json::Value = ada.json(Method::PUT, &format!("/services/{id}/scale"), Some(body)).await?;
        until("the reason", CONVERGED, || async {
            let reason = ada.service(id).await.map_err(|error| error.to_string())?.summary.reason;
            if reason.contains("container engine does not answer") { Ok(()) } else { Err(reason) }
        })
        .await
        .with_context(|| what.to_owned())?;
        machine.start_docker()?;
        let back = Instant::now();
        until("what was asked for", CONVERGED, || async {
            let view = ada.service(id).await.map_err(|error| error.to_string())?;
            let done = serving(&view, "php") == php && view.summary.state == ServiceState::Running;
            if done && view.operation.is_none() { Ok(()) } else { Err(format!("{:?}", view.summary)) }
        })
        .await
        .with_context(|| what.to_owned())?;
        eprintln!("dockerd {what}: scaled {:.1} s after it was back", back.elapsed().as_secs_f64());
        home.wait_until_tidy(CONVERGED).await?;
    }
    load.finish_without_loss(0, &ada, id).await?;
    drop(home);
    machine.stop_docker().await
}

fn serving(view: &ServiceView, role: &str) -> u32 {
    view.roles.iter().find(|found| found.name == role).map_or(0, |found| found.serving)
}

fn acknowledged(machine: &Machine) -> BTreeSet<u64> {
    let rows = fs::read_to_string(machine.path("acknowledged")).unwrap_or_default();
    // the last line may have been cut off
    rows.split_inclusive('\n').filter_map(|row| row.strip_suffix('\n')?.parse().ok()).collect()
}

fn database(machine: &Machine) -> Result<Cluster> {
    Cluster::start_at(machine.path("database").into(), DATABASE_PORT, &[])
}

/// A site with three database servers, into which somebody writes.
async fn until_the_power_fails(machine: &Machine) -> Result<()> {
    let cluster = database(machine)?;
    let (socket, folder) = (machine.socket(), machine.path("director"));
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let more = [("AERIE_DOCKER_SOCKET", socket.as_str()), ("AERIE_DATA_DIR", folder.as_str())];
    let home = Installation::start_on(&cluster.url, "power", &more).await?;
    let settings = home.settings();
    let of_home = home.data_dir().parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    fs::write(machine.path("left"), of_home)?;
    let shop = Shop::with_mysql(home).await?;
    shop.scale("mysql", 3).await?;
    let state = json!({ "settings": settings, "data": shop.data, "address": shop.address });
    fs::write(machine.path("state"), state.to_string())?;
    let visitor = Visitor::browser_like(&shop.address)?;
    let mut notes = fs::File::create(machine.path("acknowledged"))?;
    for id in 1_u64.. {
        let said = visitor.get(format!("{}?id={id}", shop.address)).send().await?.text().await?;
        ensure!(said == format!("ok {id}"), "{said}");
        writeln!(notes, "{id}")?;
    }
    Ok(())
}

/// Docker, the database and the director are started, as a machine does it; everything else is theirs to bring back.
async fn after_the_power_failed(machine: &Machine) -> Result<()> {
    let _cluster = database(machine)?;
    let state: serde_json::Value = serde_json::from_str(&fs::read_to_string(machine.path("state"))?)?;
    let settings = serde_json::from_value(state["settings"].clone())?;
    let data = serde_json::from_value(state["data"].clone())?;
    let address = state["address"].as_str().context("an address")?;
    let begun = Instant::now();
    let director = Successor::start(&settings, Path::new(&machine.path("director.log"))).await?;
    let ada = director.api().log_in("ada").await?;
    let visitor = Visitor::browser_like(address)?;
    let found = Shop::kept_at(&visitor, address, UP).await?;
    eprintln!("the site answers {:.1} s after the director was started", begun.elapsed().as_secs_f64());
    let lost: Vec<u64> = acknowledged(machine).difference(&found).copied().collect();
    ensure!(lost.is_empty() && found.len() >= ROWS, "{lost:?} of {} are lost", found.len());
    until("all servers", UP, || async {
        let view = ada.service(data).await.map_err(|error| error.to_string())?;
        let well = serving(&view, "mysql") == 3 && view.summary.state == ServiceState::Running;
        if well { Ok(()) } else { Err(format!("{:?} {:?}", view.summary, view.roles)) }
    })
    .await?;
    eprintln!("all three servers {:.1} s after it", begun.elapsed().as_secs_f64());
    let said = visitor.get(format!("{address}?id=1000000")).send().await?.text().await?;
    ensure!(said == "ok 1000000", "{said}");
    Ok(())
}
