//! Stopping and deleting.

use super::imitation::Imitation;
use crate::{
    step::Step,
    world::{Task, Work},
};
use aerie_domain::{DesiredState, RolePhase, ServiceState};
use time::Duration;

#[test]
fn a_stopped_service_keeps_its_data_and_starts_again() {
    let mut shop = Imitation::running();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    let plan = shop.turn();
    assert_eq!(shop.state(), ServiceState::Epilogue);
    assert_eq!(
        plan.steps.iter().filter(|step| matches!(step, Step::Remove { .. })).count(),
        2,
        "without an entry: at once"
    );
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Stopped);
    assert!(shop.containers.is_empty() && shop.world.instances.is_empty());
    assert_eq!(shop.volumes.len(), 1);
    assert_eq!(shop.finished, [2, 3]);
    shop.check_fixpoint();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn the_entry_is_told_before_containers_go_but_not_for_ever() {
    let mut shop = Imitation::running().with_entry();
    shop.turn();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    let plan = shop.pass(usize::MAX);
    assert!(plan.steps.iter().any(|step| matches!(step, Step::WakeEntry(_))));
    assert_eq!(shop.containers.len(), 2);
    // deaf entry
    let told = shop.entry_told.clone();
    shop.pass(usize::MAX);
    assert_eq!(shop.containers.len(), 2);
    shop.world.now += Duration::seconds(2);
    shop.entry_told = told;
    shop.pass(usize::MAX);
    assert_eq!(shop.containers.len(), 0);

    let mut shop = Imitation::running().with_entry();
    shop.turn();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    shop.pass(usize::MAX);
    // the entry hears
    shop.turn();
    assert_eq!(shop.containers.len(), 0);
}

/// Visitors would see the page of a stopped application although its start is said to be done.
#[test]
fn a_start_is_not_done_while_the_entry_knows_only_who_had_the_address_before() {
    let mut shop = Imitation::running().with_entry();
    shop.turn();
    shop.entry_sleeps = true;
    shop.ask(|service| service.desired = DesiredState::Stopped);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Stopped);
    let before = shop.entry_told.clone().expect("an entry");
    shop.ask(|service| service.desired = DesiredState::Running);
    let serves = |shop: &Imitation| {
        shop.world
            .instances
            .iter()
            .flat_map(|i| &i.roles)
            .any(|r| r.name.as_str() == "proxy" && r.phase == RolePhase::Serving)
    };
    while !serves(&shop) {
        shop.turn();
        shop.world.now += Duration::milliseconds(10);
    }
    for _ in 0..5 {
        shop.turn();
        shop.world.now += Duration::milliseconds(10);
    }
    let row = shop.world.instances.iter().find(|row| row.roles.iter().any(|r| r.name.as_str() == "proxy")).expect("it");
    assert!(before.contains(row.address.as_deref().expect("an address")), "the case that is meant: {before}");
    assert_ne!(shop.state(), ServiceState::Running);
    shop.entry_sleeps = false;
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn deleting_removes_everything_and_ends_the_operation_first() {
    let mut shop = Imitation::running();
    shop.ask(|service| service.desired = DesiredState::Deleted);
    shop.settle();
    assert!(shop.deleted);
    assert!(shop.volumes.is_empty());
    assert_eq!(shop.finished, [2, 3]);
}

#[test]
fn a_stop_does_not_wait_for_another_attempt_to_start() {
    let mut shop = Imitation::new();
    shop.fail_runs = 20;
    shop.ask(|service| service.desired = DesiredState::Running);
    for _ in 0..3 {
        shop.turn();
        shop.world.now += Duration::seconds(1);
    }
    shop.turn();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    let asked = shop.world.now;
    shop.settle();
    assert!(shop.world.now - asked < Duration::seconds(1));
}

#[test]
fn a_container_that_cannot_be_removed_is_a_reason_and_is_tried_again() {
    let mut shop = Imitation::running();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    shop.pass(0);
    let retry_at = shop.world.now + Duration::seconds(200);
    for row in &mut shop.world.instances {
        let reason = "device is busy".into();
        row.work = Work::Failed { task: Task::Remove, reason, attempts: 3, retry_at, hopeless: false };
    }
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Epilogue);
    assert!(shop.world.service.status.reason.contains("device is busy"));
    shop.world.now += Duration::seconds(130);
    shop.turn();
    assert_eq!(shop.failed.len(), 1, "whoever waits is told");
    shop.world.now = retry_at;
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Stopped);
}

#[test]
fn a_stop_in_the_middle_of_a_start_and_a_start_in_the_middle_of_a_stop() {
    let mut shop = Imitation::new();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.turn();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    shop.turn();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
    assert_eq!(shop.shapes().len(), 2);
}
