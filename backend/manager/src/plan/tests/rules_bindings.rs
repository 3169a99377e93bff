//! Services that use others start after them and stop before them.

use super::imitation::Imitation;
use crate::{step::Step, world::Image};
use aerie_domain::{DesiredState, ServiceState};

#[test]
fn the_first_container_waits_for_a_service_that_is_being_started() {
    let mut shop = Imitation::new();
    shop.ask(|service| {
        service.desired = DesiredState::Running;
        service.awaited = vec!["db".to_owned()];
    });
    for _ in 0..5 {
        let plan = shop.turn();
        assert!(plan.wake_at.is_some_and(|at| at <= shop.world.now + time::Duration::seconds(1)));
    }
    assert!(shop.containers.is_empty());
    assert_eq!(shop.state(), ServiceState::Prologue);
    let status = &shop.world.service.status;
    assert!(status.reason.contains("waiting for db to start"), "{}", status.reason);
    shop.world.service.awaited.clear();
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn a_service_that_runs_waits_for_nobody() {
    let mut shop = Imitation::running();
    shop.ask(|service| {
        service.awaited = vec!["db".to_owned()];
        service.counts.insert("php".parse().unwrap(), 2);
    });
    let starts = (0..3).flat_map(|_| shop.turn().steps).filter(|step| matches!(step, Step::Run { .. })).count();
    assert!(starts > 0, "scaling goes on while a used service restarts");
}

#[test]
fn a_service_that_is_stopped_waits_for_those_that_use_it() {
    let mut db = Imitation::running();
    let containers = db.containers.len();
    db.ask(|service| {
        service.desired = DesiredState::Stopped;
        service.leaving = vec!["shop".to_owned()];
    });
    for _ in 0..5 {
        let plan = db.turn();
        assert!(plan.wake_at.is_some_and(|at| at <= db.world.now + time::Duration::seconds(1)));
    }
    assert_eq!((db.state(), db.containers.len()), (ServiceState::Running, containers));
    db.world.service.leaving.clear();
    db.settle();
    assert_eq!(db.state(), ServiceState::Stopped);
}

#[test]
fn one_that_is_stuck_holds_up_nobody_for_ever_and_a_deletion_not_at_all() {
    let mut db = Imitation::running();
    db.ask(|service| {
        service.desired = DesiredState::Stopped;
        service.leaving = vec!["shop".to_owned()];
    });
    db.turn();
    db.world.now += time::Duration::seconds(61);
    db.settle();
    assert_eq!(db.state(), ServiceState::Stopped);

    let mut db = Imitation::running();
    db.ask(|service| {
        service.desired = DesiredState::Deleted;
        service.leaving = vec!["shop".to_owned()];
    });
    db.settle();
    assert!(db.deleted);
}

#[test]
fn the_time_that_an_image_takes_is_no_time_of_bad_health() {
    let mut db = Imitation::new();
    db.world.image = Image::Building("step 1".into());
    db.ask(|service| service.desired = DesiredState::Running);
    for _ in 0..10 {
        db.turn();
        db.world.now += time::Duration::seconds(30);
    }
    db.world.image = Image::Ready("aerie/php:1".into());
    db.sick.insert("php".parse().unwrap());
    for _ in 0..4 {
        db.turn();
        db.world.now += time::Duration::seconds(2);
        assert_ne!(db.state(), ServiceState::Error, "others would not wait for it: {}", db.world.service.status.reason);
    }
    db.world.now += time::Duration::seconds(61);
    db.turn();
    assert_eq!(db.state(), ServiceState::Error, "but this is");
}
