//! `make soak`: random starts, stops, scalings, activations and kills for a while, with visitors all the time; then a
//! report of what leaked and what was lost.
//!
//! One service has visitors and is changed and hurt in ways that must not be noticed (an instance is killed only where
//! another one of its role exists). A second one is started and stopped all the time.

use crate::{
    by_hand::docker,
    client::{Connection, Page},
    database::connections,
    footprint::Footprint,
    school::Real,
    table::say,
};
use aerie_domain::{
    ServiceId, ServiceState,
    views::{CodeVersionView, ServiceView},
};
use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const VISITORS: usize = 6;
/// What may be more at the end than at the beginning without being called a leak: pools and caches fill up.
const MORE_MIB: f64 = 60.0;
const MORE_FILES: usize = 40;

/// What visitors have seen.
#[derive(Default)]
struct Seen {
    good: usize,
    lost: Vec<String>,
}

/// What could leak.
#[derive(Debug, Clone, Copy)]
struct Holdings {
    process: Footprint,
    connections: f64,
    containers: usize,
    networks: usize,
    volumes: usize,
}

/// Runs for `MINUTES` (20 unless told); `SEED` repeats the choices of an earlier run.
pub async fn run() -> Result<()> {
    let number = |name: &str, usual: u64| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let duration = Duration::from_secs(60 * number("MINUTES", 20));
    let choices = number("SEED", u64::from(std::process::id()));
    say(&format!("Soaking for {} min, SEED={choices}", duration.as_secs() / 60));
    let mut chance = StdRng::seed_from_u64(choices);
    let real = Real::open("soak").await?;
    let versions = [version(&real, 0).await?, version(&real, 1).await?];
    activate(&real, &versions[0]).await?;
    let other = real.ada.application_with("other", "php").await?.summary.id;
    // Both have run once, so that what only the first start makes is there already.
    start(&real, other).await?;
    stop(&real, other).await?;
    let before = settle(&real).await?;

    let (seen, over) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
    let page = Page::public(&real.address, "/index.php")?;
    let mut visitors = JoinSet::new();
    for number in 0..VISITORS {
        visitors.spawn(visit(page.clone(), number % 2 == 0, Arc::clone(&seen), Arc::clone(&over)));
    }
    let (began, mut done) = (Instant::now(), BTreeMap::<&str, usize>::new());
    let mut refused = Vec::new();
    while began.elapsed() < duration {
        let what = ["scale", "activate", "kill", "start or stop", "pause"][chance.random_range(0..5)];
        let result = match what {
            "scale" => scale(&real, &mut chance).await,
            "activate" => activate(&real, &versions[chance.random_range(0..versions.len())]).await,
            "kill" => kill(&real, &mut chance).await,
            "start or stop" => toggle(&real, other).await,
            _ => {
                tokio::time::sleep(Duration::from_millis(chance.random_range(0..3000))).await;
                Ok(())
            }
        };
        *done.entry(what).or_default() += 1;
        if let Err(error) = result {
            say(&format!("  {what}: {error:#}"));
            refused.push(format!("{what}: {error:#}"));
        }
    }
    over.store(true, Ordering::Relaxed);
    while visitors.join_next().await.is_some() {}
    // As it was at the beginning.
    let body = json!({ "roles": { "php": 1, "web": 1, "proxy": 1 } });
    real.ada.accepted(Method::PUT, &real.path("/scale"), Some(body)).await?;
    stop(&real, other).await?;
    let after = settle(&real).await?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    report(&before, &after, &seen, &done, &refused)
}

fn report(
    before: &Holdings,
    after: &Holdings,
    seen: &Seen,
    done: &BTreeMap<&str, usize>,
    refused: &[String],
) -> Result<()> {
    say(&format!("did: {done:?}; {} of them failed", refused.len()));
    say(&format!("visitors: {} good answers, {} lost", seen.good, seen.lost.len()));
    seen.lost.iter().take(10).for_each(|lost| say(&format!("  lost: {lost}")));
    let (old, new) = (before.process, after.process);
    say(&format!(
        "director: {:.0} → {:.0} MiB, {} → {} open files",
        old.resident_mib, new.resident_mib, old.files, new.files
    ));
    say(&format!("database connections: {} → {}", before.connections, after.connections));
    for (what, old, new) in [
        ("containers", before.containers, after.containers),
        ("networks", before.networks, after.networks),
        ("volumes", before.volumes, after.volumes),
    ] {
        say(&format!("{what}: {old} → {new}"));
        ensure!(old == new, "{what} leaked");
    }
    ensure!(new.resident_mib <= old.resident_mib + MORE_MIB, "memory leaked");
    ensure!(new.files <= old.files + MORE_FILES, "open files leaked");
    ensure!(seen.lost.is_empty(), "requests were lost");
    ensure!(refused.is_empty(), "changes failed");
    Ok(())
}

async fn version(real: &Real, number: usize) -> Result<CodeVersionView> {
    let code = format!("<?php usleep(2000); echo 'soak {number}';");
    real.upload(&[("index.php", &code)]).await
}

async fn activate(real: &Real, version: &CodeVersionView) -> Result<()> {
    let body = json!({ "version_id": version.id });
    real.ada.accepted(Method::POST, &real.path("/activate"), Some(body)).await.map(drop)
}

async fn scale(real: &Real, chance: &mut StdRng) -> Result<()> {
    let body = json!({ "roles": {
        "php": chance.random_range(1..=3), "web": chance.random_range(1..=2), "proxy": chance.random_range(1..=2),
    } });
    real.ada.accepted(Method::PUT, &real.path("/scale"), Some(body)).await.map(drop)
}

/// Kills an instance whose roles all have another one that serves.
async fn kill(real: &Real, chance: &mut StdRng) -> Result<()> {
    let view = real.ada.wait_state(real.service, ServiceState::Running).await?;
    let spare = |role: &str| view.roles.iter().any(|other| other.name == role && other.serving > 1);
    let can: Vec<_> = view
        .instances
        .iter()
        .filter(|one| !one.auxiliary && !one.roles.is_empty() && one.roles.iter().all(|role| spare(&role.role)))
        .collect();
    if can.is_empty() {
        return Ok(());
    }
    let short = &can[chance.random_range(0..can.len())].short;
    let names = real.home.containers()?;
    let name = names.iter().find(|name| name.ends_with(short.as_str())).context("its container exists")?;
    docker(&["kill", name]).await?;
    // Noticed within a second; the next change comes when it has been replaced or not, as chance has it.
    tokio::time::sleep(Duration::from_millis(chance.random_range(500..4000))).await;
    Ok(())
}

async fn toggle(real: &Real, service: ServiceId) -> Result<()> {
    let view = real.ada.service(service).await?;
    if view.summary.state == ServiceState::Stopped { start(real, service).await } else { stop(real, service).await }
}

async fn start(real: &Real, service: ServiceId) -> Result<()> {
    real.ada.accepted(Method::POST, &format!("/services/{service}/start"), None).await.map(drop)
}

async fn stop(real: &Real, service: ServiceId) -> Result<()> {
    let _: Value = real.ada.json(Method::POST, &format!("/services/{service}/stop"), None).await?;
    real.ada.wait_state(service, ServiceState::Stopped).await.map(drop)
}

/// Waits until nothing is under way, and looks at what there is.
async fn settle(real: &Real) -> Result<Holdings> {
    let view: ServiceView = real.ada.wait_state(real.service, ServiceState::Running).await?;
    let wanted = view.roles.iter().filter(|role| !role.auxiliary).all(|role| role.count == role.serving);
    ensure!(wanted, "the service is not as it shall be: {:?}", view.roles);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let filter = format!("label=aerie.installation={}", real.home.label());
    let count = async |arguments: &[&str]| -> Result<usize> {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--quiet", "--filter", &filter]).collect();
        Ok(docker(&arguments).await?.lines().count())
    };
    Ok(Holdings {
        process: Footprint::of(real.home.director_id().context("the director runs")?)?,
        connections: connections(real.home.database_url()).await?,
        containers: count(&["ps", "--all"]).await?,
        networks: count(&["network", "ls"]).await?,
        volumes: count(&["volume", "ls"]).await?,
    })
}

async fn visit(page: Page, keep: bool, seen: Arc<Mutex<Seen>>, over: Arc<AtomicBool>) {
    let mut connection = Connection::new(page.clone());
    while !over.load(Ordering::Relaxed) {
        if !keep {
            connection = Connection::new(page.clone());
        }
        let answer = connection.ask().await;
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match answer {
                Ok(answer) if answer.status == 200 => seen.good += 1,
                Ok(answer) => seen.lost.push(format!("status {}", answer.status)),
                Err(error) => seen.lost.push(format!("{error:#}")),
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
