//! Something that the platform stands on is away, stops or lies: the database, the director, another director, the clock.
//! Hosted applications do not notice, and afterwards everything is as it was asked for, made once.
//!
//! Outages last 20 s, which is longer than leases and patience with silent agents; `AERIE_TEST_OUTAGE_S=60` makes them as
//! long as the tables in docs/architecture.md were measured with.

use aerie_domain::{InstanceId, ServiceId, ServiceState, views::ServiceView};
use aerie_tests::{Api, Cluster, Installation, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode, header};
use rustix::process::Signal;
use serde_json::json;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

const CONVERGED: Duration = Duration::from_secs(30);
/// Longer than a director waits for any answer of the container engine.
const FROZEN: Duration = Duration::from_secs(65);
const LONGEST_VISIT: Duration = Duration::from_secs(400);

fn outage() -> Duration {
    let seconds = std::env::var("AERIE_TEST_OUTAGE_S").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}

async fn running(ada: &Api) -> Result<(ServiceId, String)> {
    let id = ada.application_with("blog", "php").await?.summary.id;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    Ok((id, ada.service(id).await?.summary.address.context("an address")?))
}

async fn scale(ada: &Api, id: ServiceId, php: u32) -> Result<()> {
    let body = json!({ "roles": { "php": php } });
    let _: serde_json::Value = ada.json(Method::PUT, &format!("/services/{id}/scale"), Some(body)).await?;
    Ok(())
}

async fn converged(ada: &Api, id: ServiceId, php: u32, limit: Duration) -> Result<ServiceView> {
    until(&format!("{php} php"), limit, || async {
        let view = ada.service(id).await.map_err(|error| error.to_string())?;
        let serving = view.roles.iter().find(|role| role.name == "php").map_or(0, |role| role.serving);
        let done = view.summary.state == ServiceState::Running && view.observed_generation == view.generation;
        if done && serving == php && view.operation.is_none() { Ok(view) } else { Err(format!("{:?}", view.summary)) }
    })
    .await
}

fn ids(view: &ServiceView) -> Vec<InstanceId> {
    let mut ids: Vec<InstanceId> = view.instances.iter().map(|instance| instance.id).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_applications_serve_and_pages_say_so() -> Result<()> {
    let cluster = Cluster::start("away", &[])?;
    let home = Installation::start_on(&cluster.url, "database-away", &[]).await?;
    let ada = home.api().register("ada").await?;
    let (id, address) = running(&ada).await?;
    let before = ids(&ada.service(id).await?);
    let load = Visitor::keep_asking_for(&address, 2, LONGEST_VISIT)?;

    cluster.stop()?;
    let end = Instant::now() + outage();
    let client = reqwest::Client::new();
    let mut rounds = 0;
    while Instant::now() < end {
        let asked = Instant::now();
        let answer = ada.send(Method::GET, &format!("/services/{id}"), None).await?;
        ensure!(answer.status() == StatusCode::SERVICE_UNAVAILABLE, "the API says {}", answer.status());
        let problem: serde_json::Value = answer.json().await?;
        ensure!(problem["code"] == "unavailable", "{problem}");
        let page = client.get(format!("{}/login", home.url())).header(header::ACCEPT, "text/html").send().await?;
        let (status, text) = (page.status(), page.text().await?);
        let fine = status == StatusCode::OK || status == StatusCode::SERVICE_UNAVAILABLE;
        ensure!(fine && text.contains("<html"), "a page says {status}: {text}");
        let with_cookie = client.get(home.url()).header(header::ACCEPT, "text/html");
        let page = with_cookie.header(header::COOKIE, format!("aerie_session={}", "a".repeat(22))).send().await?;
        let (status, text) = (page.status(), page.text().await?);
        ensure!(status == StatusCode::SERVICE_UNAVAILABLE && text.contains("<html"), "a page says {status}: {text}");
        let ready = client.get(format!("{}/readyz", home.url())).send().await?;
        ensure!(ready.status() == StatusCode::SERVICE_UNAVAILABLE, "readyz says {}", ready.status());
        ensure!(asked.elapsed() < Duration::from_secs(25), "four answers took {:?}", asked.elapsed());
        rounds += 1;
    }
    ensure!(rounds > 0, "the outage was long enough to be noticed");
    cluster.again()?;
    let back = Instant::now();
    converged(&ada, id, 1, CONVERGED).await?;
    scale(&ada, id, 2).await?;
    let after = converged(&ada, id, 2, CONVERGED.saturating_sub(back.elapsed())).await?;
    eprintln!("database away for {:?}: scaled {:.1} s after it was back", outage(), back.elapsed().as_secs_f64());
    ensure!(before.iter().any(|id| ids(&after).contains(id)), "what ran was not replaced: {before:?} {after:?}");
    let removed = home.sql("select count(*) from removed_instances")?;
    home.wait_until_tidy(CONVERGED).await?;
    ensure!(removed == ["0"], "nothing was replaced: {removed:?}");
    load.finish_without_loss(100, &ada, id).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_go_on_without_a_director_and_come_back_to_it() -> Result<()> {
    let mut home = Installation::start("director-away").await?;
    let ada = home.api().register("ada").await?;
    let (id, address) = running(&ada).await?;
    let before = ids(&ada.service(id).await?);
    let load = Visitor::keep_asking_for(&address, 2, LONGEST_VISIT)?;
    home.kill_director()?;
    tokio::time::sleep(outage()).await;
    home.restart_director().await?;
    let back = Instant::now();
    until("all agents to be back", CONVERGED, || async {
        let lost = home.sql("select short from instances where connected_to is null").map_err(|e| e.to_string())?;
        if lost.is_empty() { Ok(()) } else { Err(format!("{lost:?}")) }
    })
    .await?;
    eprintln!("director away for {:?}: all agents back {:.1} s later", outage(), back.elapsed().as_secs_f64());
    ensure!(ids(&converged(&ada, id, 1, CONVERGED).await?) == before, "the same instances");
    scale(&ada, id, 2).await?;
    converged(&ada, id, 2, CONVERGED).await?;
    load.finish_without_loss(100, &ada, id).await?;
    Ok(())
}

/// At the worst moments: rows are written and nothing is made of them yet, and containers are made but not started. The other
/// director does it all meanwhile, and visitors are on what it made when the first one goes on where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_director_that_was_frozen_in_the_middle_of_a_scale_does_no_harm() -> Result<()> {
    let intended = frozen_at("frozen-a", "instance-inserted");
    let made = frozen_at("frozen-b", "container-created");
    tokio::try_join!(intended, made)?;
    Ok(())
}

async fn frozen_at(name: &str, point: &str) -> Result<()> {
    let mut home = Installation::start(name).await?;
    let ada = home.api().register("ada").await?;
    let (id, address) = running(&ada).await?;
    home.restart_director_with(&[("AERIE_FREEZE_AT", point)]).await?;
    // The one that comes first has the leases.
    converged(&ada, id, 1, CONVERGED).await?;
    let other = home.another_director().await?.log_in("ada").await?;
    // The first one hears of the second within a second, and tells its agents where that listens.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let load = Visitor::keep_asking_for(&address, 2, LONGEST_VISIT)?;

    scale(&other, id, 4).await?;
    home.frozen().await?;
    let epoch = |home: &Installation| home.sql(&format!("select epoch from service_leases where service_id = '{id}'"));
    let before = epoch(&home)?;
    tokio::time::sleep(outage().max(FROZEN)).await;
    let during = other.service(id).await?;
    home.signal_director(Signal::CONT)?;
    let back = Instant::now();
    converged(&other, id, 4, Duration::from_secs(60)).await?;
    converged(&ada, id, 4, CONVERGED).await?;
    eprintln!(
        "a director frozen at {point} for {FROZEN:?}: meanwhile {} {}; as asked {:.1} s after it went on; lease {before:?} -> {:?}",
        during.summary.state,
        during.summary.reason,
        back.elapsed().as_secs_f64(),
        epoch(&home)?
    );
    ensure!(during.summary.state == ServiceState::Running, "the other director did it: {during:?}");
    // Whatever it does late, it does now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let view = converged(&ada, id, 4, CONVERGED).await?;
    ensure!(ids(&view) == ids(&during), "nobody was replaced: {during:?} {view:?}");
    let counted = view.instances.iter().filter(|instance| !instance.auxiliary).count();
    ensure!(counted == 5, "one with proxy and web, four with php: {:?}", view.instances);
    home.wait_until_tidy(Duration::from_secs(60)).await?;
    load.finish_without_loss(100, &other, id).await?;
    Ok(())
}

/// Removes what libfaketime left in shared memory for processes that have ended. It is named by their numbers: a later process of
/// the same number and another user could not use it, and would not start.
fn remove_leftovers_of_faketime() -> Result<()> {
    for entry in fs::read_dir("/dev/shm")? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let process = name.strip_prefix("faketime_shm_").or_else(|| name.strip_prefix("sem.faketime_sem_"));
        let ended = |number: u32| !Path::new(&format!("/proc/{number}")).exists();
        if process.and_then(|number| number.parse().ok()).is_some_and(ended) {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// Does so when it goes.
struct Leftovers;

impl Drop for Leftovers {
    fn drop(&mut self) {
        if let Err(error) = remove_leftovers_of_faketime() {
            eprintln!("leftovers of libfaketime: {error:#}");
        }
    }
}

/// The whole machine's clock, as director and database see it, by libfaketime; agents and Docker keep the real one, which
/// makes it harder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_an_hour_forth_and_back_changes_nothing() -> Result<()> {
    let library = Path::new("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
    ensure!(library.exists(), "libfaketime is missing: run scripts/packages --with-tests");
    remove_leftovers_of_faketime()?;
    // Dropped last, when the director and the database have ended.
    let _leftovers = Leftovers;
    let folder = tempfile::tempdir_in("/var/tmp")?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let clock = folder.path().join("clock");
    let set = |offset: &str| -> Result<()> {
        let new = folder.path().join("new");
        fs::write(&new, offset)?;
        Ok(fs::rename(new, &clock)?)
    };
    set("+0")?;
    let (library, file) = (library.display().to_string(), clock.display().to_string());
    let fake = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", file),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_DONT_RESET", "1".to_owned()),
    ];
    let cluster = Cluster::start("clock", &fake)?;
    let fake: Vec<(&'static str, &str)> = fake.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let home = Installation::start_on(&cluster.url, "clock", &fake).await?;
    let ada = home.api().register("ada").await?;
    let (id, address) = running(&ada).await?;
    let before = ids(&ada.service(id).await?);
    let load = Visitor::keep_asking_for(&address, 2, LONGEST_VISIT)?;
    let mut php = 1;
    for offset in ["+3600", "+0", "-3600", "+0"] {
        set(offset)?;
        // long enough for a silence of a minute to be taken for one, were it measured wrongly
        tokio::time::sleep(Duration::from_secs(8)).await;
        let view = converged(&ada, id, php, CONVERGED).await.with_context(|| format!("at {offset}"))?;
        ensure!(before.iter().all(|id| ids(&view).contains(id)), "{offset}: nobody was replaced: {view:?}");
        // leases, deadlines and operations go on by the new time
        php = 3 - php;
        scale(&ada, id, php).await?;
        let begun = Instant::now();
        converged(&ada, id, php, CONVERGED).await.with_context(|| format!("scaling at {offset}"))?;
        eprintln!("clock at {offset}: scaled to {php} in {:.1} s", begun.elapsed().as_secs_f64());
    }
    scale(&ada, id, 2).await?;
    converged(&ada, id, 2, CONVERGED).await?;
    scale(&ada, id, 1).await?;
    set("-3600")?;
    converged(&ada, id, 1, CONVERGED).await.context("a drain during which the clock was set back")?;
    home.wait_until_tidy(CONVERGED).await?;
    let open = home.sql("select count(*) from operations where ended_at is null or state = 'failed'")?;
    ensure!(open == ["0"], "every request is done: {open:?}");
    load.finish_without_loss(100, &ada, id).await?;
    Ok(())
}
