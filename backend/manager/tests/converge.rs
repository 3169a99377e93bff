//! Managers over a real database, a simulated engine and make-believe agents.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod fairness;
mod support;

use aerie_cloud::{
    Cloud, CloudErrorKind,
    simulated::{Operation, SimulatedCloud, SimulatedOptions},
};
use aerie_domain::{OperationKind, RolePhase, ServiceState};
use aerie_manager::kept_logs;
use sqlx::PgPool;
use std::time::Duration;
use support::Town;
use tokio::time::{Instant, sleep};

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn a_service_lives_from_start_to_deletion(pool: PgPool) {
    let town = Town::new(pool).await;
    let manager = town.manager();
    let site = town.service("blog", "site").await;
    let entry = town.service("system", "entry").await;
    let entry_started = town.start(entry).await;
    town.done(entry_started).await;

    // start
    let started = town.start(site).await;
    let took = town.done(started).await;
    assert!(took < Duration::from_secs(2), "a start without any latency took {took:?}");
    let row = town.row(site).await;
    assert_eq!((row.state, row.observed_generation), (ServiceState::Running, row.generation));
    assert_eq!(row.serving_version_id, row.active_version_id);
    let instances = town.instances(site).await;
    assert_eq!(instances.len(), 2);
    assert!(instances.iter().all(|row| row.healthy_at.is_some() && row.container_status == "running"));
    let routes = entry_routes(&town, entry).await;
    assert!(routes.contains("host site.blog.ada.localhost") && routes.contains("host blog.ada.localhost"), "{routes}");
    wait_for_route(&town, entry, &instances.iter().find(|row| !row.auxiliary).unwrap().short).await;
    let versions = town.store.versions_fetch(site, &[row.active_version_id.unwrap()]).await.unwrap();
    assert_eq!(versions[0].check_ok, Some(true));

    // scale up and down
    let scaled = town.scale(site, "back", 3).await;
    town.done(scaled).await;
    assert_eq!(town.serving(site, "back").await, 3);
    assert_eq!(town.cloud.containers().len(), 6, "entry, front, 3 back, memory");
    let scaled = town.scale(site, "back", 1).await;
    town.done(scaled).await;
    assert_eq!(town.serving(site, "back").await, 1);
    assert_eq!(town.instances(site).await.len(), 2, "packed again");
    assert_eq!(town.cloud.containers().len(), 3);
    let removed = town.store.removed_instance_list(site).await.unwrap();
    assert_eq!(removed.len(), 3);
    assert!(removed.iter().all(|row| row.log_bytes > 0), "{removed:?}");
    let kept =
        kept_logs::read(town.logs.path(), site, removed[0].id, kept_logs::Wanted::default()).await.unwrap().lines;
    assert_eq!(kept[0].text, "agent|out|hello");

    // activate
    let second = town.upload(site).await;
    let activated = town.ask(site, OperationKind::Activate, |intent| intent.active_version_id = Some(second)).await;
    town.done(activated).await;
    let row = town.row(site).await;
    assert_eq!(row.serving_version_id, Some(second));
    assert!(row.previous_version_id.is_some());

    // stop and start
    let stopped = town.stop(site).await;
    let took = town.done(stopped).await;
    assert!(took < Duration::from_secs(2), "the entry's word was not heard: {took:?}");
    assert_eq!(town.row(site).await.state, ServiceState::Stopped);
    assert_eq!(town.cloud.containers().len(), 1, "the entry");
    assert!(!entry_routes(&town, entry).await.contains("server"));
    let started = town.start(site).await;
    town.done(started).await;
    assert_eq!(town.row(site).await.serving_version_id, Some(second));

    // delete
    let application = town.row(site).await.application_id;
    let mut txn = town.store.begin().await.unwrap();
    txn.application_mark_deleting(application).await.unwrap();
    txn.commit().await.unwrap();
    let deleted = town.delete(site).await;
    town.done(deleted).await;
    gone(&town, site).await;
    assert_eq!(town.cloud.containers().len(), 1);
    assert_eq!(town.cloud.volumes().await.unwrap(), []);
    assert_eq!(town.cloud.networks().await.unwrap(), []);
    assert_eq!(town.store.application_fetch(application).await.unwrap(), None);
    assert!(!town.logs.path().join(site.to_string()).exists());
    manager.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn a_killed_container_is_started_again(pool: PgPool) {
    let town = Town::new(pool).await;
    let manager = town.manager();
    let site = town.service("blog", "site").await;
    let started = town.start(site).await;
    town.done(started).await;
    let name = town.cloud.containers().into_iter().next().unwrap().name;
    assert!(town.cloud.kill(&name));
    town.state(site, ServiceState::Adapting).await;
    town.state(site, ServiceState::Running).await;
    assert_eq!(town.cloud.containers().len(), 2);
    let log = town.store.manager_log_tail(site, 100).await.unwrap();
    assert!(log.iter().any(|line| line.text.contains("137 (killed)")), "{log:?}");
    manager.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn another_director_goes_on_where_one_was_killed(pool: PgPool) {
    let slow = SimulatedOptions { start_latency: Duration::from_millis(300), ..SimulatedOptions::default() };
    let town = Town::with_cloud(pool, SimulatedCloud::new(slow)).await;
    let first = town.manager();
    let site = town.service("blog", "site").await;
    let started = town.start(site).await;
    while town.instances(site).await.is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    first.kill();
    sleep(Duration::from_millis(50)).await;
    let second = town.manager();
    // its lease ends after 15 s
    town.done(started).await;
    assert_eq!(town.cloud.containers().len(), 2, "nothing was made twice");
    assert_eq!(town.instances(site).await.len(), 2);
    second.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn an_orderly_end_lets_others_go_on_at_once(pool: PgPool) {
    let town = Town::new(pool).await;
    let first = town.manager();
    let site = town.service("blog", "site").await;
    let started = town.start(site).await;
    town.done(started).await;
    first.stop().await;
    let second = town.manager();
    let begun = Instant::now();
    let scaled = town.scale(site, "back", 2).await;
    town.done(scaled).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    second.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn two_managers_share_the_work_and_do_nothing_twice(pool: PgPool) {
    let town = Town::new(pool).await;
    let (first, second) = (town.manager(), town.manager());
    let mut sites = Vec::new();
    for number in 0..6 {
        sites.push(town.service(&format!("blog{number}"), "site").await);
    }
    let mut operations = Vec::new();
    for site in &sites {
        operations.push(town.start(*site).await);
    }
    for operation in operations {
        town.done(operation).await;
    }
    for site in &sites {
        let scaled = town.scale(*site, "front", 2).await;
        town.done(scaled).await;
        assert_eq!(town.serving(*site, "front").await, 2);
    }
    assert_eq!(town.cloud.containers().len(), 6 * 4, "front, front, back, memory");
    assert_eq!(town.cloud.calls(Operation::EnsureContainer), 6 * 4, "each made once");
    first.stop().await;
    second.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn a_stop_is_heard_while_an_image_is_built_and_while_containers_start(pool: PgPool) {
    let slow = SimulatedOptions {
        build_latency: Duration::from_secs(2),
        start_latency: Duration::from_secs(1),
        ..SimulatedOptions::default()
    };
    let town = Town::with_cloud(pool, SimulatedCloud::new(slow)).await;
    let manager = town.manager();
    let site = town.service("blog", "site").await;
    let started = town.start(site).await;
    let row = loop {
        let row = town.store.operation_fetch(started, town.owner).await.unwrap().unwrap();
        if row.progress.contains("preparing the image") {
            break row;
        }
        sleep(Duration::from_millis(10)).await;
    };
    assert!(row.ended_at.is_none());
    let stopped = town.stop(site).await;
    let took = town.done(stopped).await;
    assert!(took < Duration::from_millis(800), "{took:?}");
    assert_eq!(town.cloud.containers().len(), 0);

    town.start(site).await;
    while town.cloud.containers().is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    let stopped = town.stop(site).await;
    town.done(stopped).await;
    assert_eq!(town.cloud.containers().len(), 0);
    manager.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn an_engine_that_is_away_is_the_reason_until_it_is_back(pool: PgPool) {
    let town = Town::new(pool).await;
    let manager = town.manager();
    let site = town.service("blog", "site").await;
    let started = town.start(site).await;
    town.done(started).await;
    town.cloud.set_reachable(false);
    let scaled = town.scale(site, "back", 2).await;
    let row = town.state(site, ServiceState::Error).await;
    assert!(row.reason.contains("does not answer"), "{}", row.reason);
    town.cloud.set_reachable(true);
    town.done(scaled).await;
    assert_eq!(town.row(site).await.state, ServiceState::Running);
    manager.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn a_container_that_cannot_be_made_gets_a_reason_and_is_tried_again(pool: PgPool) {
    let town = Town::new(pool).await;
    let manager = town.manager();
    let site = town.service("blog", "site").await;
    town.cloud.fail_always(Operation::EnsureContainer, Some(CloudErrorKind::Conflict));
    let started = town.start(site).await;
    let row = town.state(site, ServiceState::Error).await;
    assert!(row.reason.contains("could not be started"), "{}", row.reason);
    town.cloud.fail_always(Operation::EnsureContainer, None);
    town.done(started).await;
    manager.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn wake_ups_that_are_lost_are_made_up_for_by_the_timer(pool: PgPool) {
    let town = Town::new(pool).await;
    let site = town.service("blog", "site").await;
    // nobody listens while this is asked for
    let started = town.start(site).await;
    let manager = town.manager();
    town.done(started).await;
    for row in town.instances(site).await {
        assert!(row.roles.iter().all(|role| role.phase == RolePhase::Serving));
    }
    assert!(town.specs().iter().all(|spec| spec.environment["AERIE_DIRECTOR"] == "10.208.0.1:7070"));
    manager.stop().await;
}

async fn gone(town: &Town, service: aerie_domain::ServiceId) {
    let begun = Instant::now();
    while town.store.service_fetch(service).await.unwrap().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the row stays");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn entry_routes(town: &Town, entry: aerie_domain::ServiceId) -> String {
    let rows = town.instances(entry).await;
    rows[0].config.as_ref().unwrap().files.iter().map(|file| file.content.clone()).collect()
}

async fn wait_for_route(town: &Town, entry: aerie_domain::ServiceId, short: &str) {
    let begun = Instant::now();
    while !entry_routes(town, entry).await.contains(&format!("server {short} ")) {
        assert!(begun.elapsed() < Duration::from_secs(3), "{}", entry_routes(town, entry).await);
        sleep(Duration::from_millis(5)).await;
    }
}
