//! Many users at the same door: a real database, a simulated engine that takes its time.

use crate::support::Town;
use aerie_cloud::simulated::{SimulatedCloud, SimulatedOptions};
use aerie_domain::{ServiceId, ServiceState};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::{Instant, sleep};

fn slow(milliseconds: u64) -> SimulatedCloud {
    let start_latency = Duration::from_millis(milliseconds);
    SimulatedCloud::new(SimulatedOptions { start_latency, ..SimulatedOptions::default() })
}

async fn running(town: &Town, services: &[ServiceId]) -> usize {
    let mut count = 0;
    for service in services {
        count += usize::from(town.row(*service).await.state == ServiceState::Running);
    }
    count
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn one_user_with_many_services_does_not_hold_up_another(pool: PgPool) {
    let town = Town::with_cloud(pool, slow(300)).await;
    // One place, so that the order is all that counts, however busy the machine is.
    let manager = town.manager_with_places(1);
    let modest = town.user("eve").await;
    let modest = town.service_of(modest, "small", "site").await;
    let mut greedy = Vec::new();
    for number in 0..12 {
        greedy.push(town.service(&format!("big-{number}"), "site").await);
    }
    let mut operations = Vec::new();
    for service in &greedy {
        operations.push(town.start(*service).await);
    }
    // Everything of the one is in line before the other comes.
    sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    town.start(modest).await;
    let mut told = Vec::new();
    let listen = async {
        loop {
            for operation in &operations {
                told.push(town.store.operation_fetch(*operation, town.owner).await.unwrap().unwrap().progress);
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        // Cancel-safe: it only reads, and what it has read stays.
        () = listen => {}
        _ = town.state(modest, ServiceState::Running) => {}
    }
    let took = asked.elapsed();
    let served = running(&town, &greedy).await;
    assert!(served < 8, "after {took:?} the other one's {served} services were served first");
    assert!(told.iter().any(|text| text.contains(" in the queue")), "the place in the line is told: {told:?}");
    for service in greedy {
        town.state(service, ServiceState::Running).await;
    }
    manager.stop().await;
}

#[sqlx::test(migrator = "aerie_store::MIGRATOR")]
async fn a_class_that_presses_start_together_is_served(pool: PgPool) {
    let town = Town::with_cloud(pool, slow(20)).await;
    let manager = town.manager();
    let mut services = Vec::new();
    for number in 0..60 {
        let user = town.user(&format!("user-{number}")).await;
        services.push(town.service_of(user, "blog", "site").await);
    }
    let begun = Instant::now();
    for service in &services {
        town.start(*service).await;
    }
    loop {
        let served = running(&town, &services).await;
        if served == services.len() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "only {served} were served");
        sleep(Duration::from_millis(500)).await;
    }
    manager.stop().await;
}
