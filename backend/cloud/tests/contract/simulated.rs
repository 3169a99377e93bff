//! The simulated cloud as a fixture: a task plays the containers' part.

use crate::fixture::{BEHAVE, Fixture, Hands, Pool};
use aerie_cloud::{
    Cloud, CloudErrorKind, ImageSpec, Scope,
    simulated::{Operation, SimulatedCloud, SimulatedOptions},
};
use async_trait::async_trait;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::Instant;

struct SimulatedHands(SimulatedCloud);

#[async_trait]
impl Hands for SimulatedHands {
    async fn kill(&self, name: &str) {
        assert!(self.0.kill(name));
    }

    async fn add_foreign(&self, name: &str) {
        self.0.add_foreign(name);
    }

    async fn has_foreign(&self, name: &str) -> bool {
        self.0.has_foreign(name)
    }
}

pub async fn with_simulated<F: Future<Output = ()>>(case: impl FnOnce(Fixture) -> F) {
    tokio::time::pause();
    let options = SimulatedOptions {
        start_latency: Duration::from_millis(200),
        build_latency: Duration::from_secs(1),
        ..SimulatedOptions::default()
    };
    let cloud = SimulatedCloud::new(options);
    cloud.add_image("contract:1");
    cloud.exit_at_start(|spec| spec.environment.get(BEHAVE)?.strip_prefix("exit:")?.parse().ok());
    let fixture = Fixture {
        cloud: Arc::new(cloud.clone()),
        hands: Arc::new(SimulatedHands(cloud.clone())),
        image: "contract:1".into(),
        folder: "contract".into(),
        run: "run".into(),
        pool: Pool::new(),
    };
    tokio::select! {
        // Both may be dropped at any await: the case is over, or has failed.
        () = case(fixture) => {}
        () = play(cloud) => {}
    }
}

/// Does what the image of the real clouds does.
async fn play(cloud: SimulatedCloud) {
    let mut starts = cloud.starts();
    let mut actors = tokio::task::JoinSet::new();
    while let Some(spec) = starts.recv().await {
        let cloud = cloud.clone();
        actors.spawn(async move {
            let behaviour = spec.environment.get(BEHAVE).cloned().unwrap_or_default();
            match behaviour.split_once(':') {
                Some(("lines", count)) => {
                    for number in 1..=count.parse::<u32>().unwrap() {
                        cloud.write_log(&spec.name, &format!("line {number}"));
                    }
                }
                None if behaviour == "memory" => assert!(cloud.kill_out_of_memory(&spec.name)),
                None if behaviour == "ticks" => {
                    for number in 1.. {
                        if !cloud.write_log(&spec.name, &format!("line {number}")) {
                            break;
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                _ => {}
            }
        });
    }
}

#[tokio::test]
async fn failures_come_as_ordered_and_the_engine_can_go_away() {
    let cloud = SimulatedCloud::default();
    cloud.fail_next(Operation::Inventory, CloudErrorKind::Transient);
    let inventory = || cloud.inventory(&Scope::Installation);
    assert_eq!(inventory().await.unwrap_err().kind, CloudErrorKind::Transient);
    assert!(inventory().await.is_ok());
    cloud.set_reachable(false);
    assert_eq!(cloud.check().await.unwrap_err().kind, CloudErrorKind::Unreachable);
    cloud.set_reachable(true);
    assert!(cloud.check().await.is_ok());
    assert_eq!(cloud.calls(Operation::Inventory), 2);
}

#[tokio::test]
async fn a_failed_build_is_tried_again() {
    let cloud = SimulatedCloud::default();
    let image = ImageSpec { kind: "php".into(), folder: "x".into(), digest: "ab".repeat(32) };
    cloud.fail_next(Operation::Build, CloudErrorKind::Transient);
    let ensure = || cloud.ensure_image(&image, crate::fixture::silent());
    assert!(ensure().await.is_err());
    let name = ensure().await.unwrap();
    ensure().await.unwrap();
    assert_eq!(cloud.builds_of(&name), 1);
}

#[tokio::test]
async fn ten_thousand_containers_take_no_time() {
    let cloud = SimulatedCloud::default();
    cloud.add_image("contract:1");
    let fixture = Fixture {
        cloud: Arc::new(cloud.clone()),
        hands: Arc::new(SimulatedHands(cloud.clone())),
        image: "contract:1".into(),
        folder: "x".into(),
        run: "run".into(),
        pool: Pool::new(),
    };
    let start = Instant::now();
    let specs: Vec<_> = (0..10_000).map(|number| fixture.idle(&number.to_string())).collect();
    for spec in &specs {
        cloud.ensure_container(spec).await.unwrap();
        assert_eq!(cloud.inventory(&Scope::Service(spec.service)).await.unwrap().len(), 1);
    }
    for spec in &specs {
        cloud.remove_container(&spec.name, Duration::ZERO).await.unwrap();
    }
    assert!(cloud.containers().is_empty());
    // A second or so unoptimised; anything quadratic takes minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
