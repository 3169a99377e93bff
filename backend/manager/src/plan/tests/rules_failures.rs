//! What goes wrong.

use super::imitation::{Imitation, role};
use crate::{
    step::Step,
    world::{Image, Work},
};
use aerie_domain::{DesiredState, RolePhase, ServiceState};
use time::Duration;

#[test]
fn a_container_that_ends_is_started_again_and_dropped_from_the_others_at_once() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    shop.settle();
    let index = shop.world.instances.iter().position(|i| i.roles[0].name.as_str() == "php").unwrap();
    let short = shop.world.instances[index].short.clone();
    shop.kill(index);
    let plan = shop.pass(usize::MAX);
    assert!(plan.steps.iter().any(|s| matches!(s, Step::Run { keep_output: true, .. })), "at once");
    assert!(shop.world.instances[index].roles.iter().all(|r| r.phase == RolePhase::Starting));
    let front = shop.world.instances.iter().find(|i| i.roles[0].name.as_str() == "proxy").unwrap();
    assert!(front.config.as_ref().unwrap().files.iter().all(|file| !file.content.contains(&short)));
    assert_eq!(shop.state(), ServiceState::Adapting);
    assert!(shop.world.service.status.reason.contains("137 (killed)"), "{}", shop.world.service.status.reason);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn what_an_agent_said_before_its_container_ended_counts_for_nothing() {
    let mut shop = Imitation::running();
    let index = shop.world.instances.iter().position(|i| i.roles.len() == 3).unwrap();
    shop.kill(index);
    shop.pass(usize::MAX);
    // the container runs again, the row still has the old report
    shop.pass(usize::MAX);
    assert_eq!(shop.serving().get(&role("proxy")), None);
}

#[test]
fn a_container_that_keeps_ending_waits_longer_and_becomes_an_error_with_a_reason() {
    let mut shop = Imitation::running();
    let mut waits = Vec::new();
    let mut last = shop.world.now;
    for _ in 0..2000 {
        let index = shop.world.instances.iter().position(|i| i.roles.len() == 3).unwrap();
        shop.kill(index);
        let plan = shop.pass(usize::MAX);
        if plan.steps.iter().any(|step| matches!(step, Step::Run { .. })) {
            waits.push((shop.world.now - last).whole_seconds());
            last = shop.world.now;
        }
        shop.world.now += Duration::milliseconds(100);
        if waits.len() == 6 {
            break;
        }
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16]);
    assert_eq!(shop.state(), ServiceState::Error);
    assert!(shop.world.service.status.reason.contains("ended by itself"));
    // it leaves the error by itself, and is forgiven after a while
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
    shop.world.now += Duration::seconds(61);
    shop.settle();
    assert_eq!(shop.world.service.status.failures, 0);
}

#[test]
fn ends_of_instances_that_were_well_do_not_add_up() {
    let mut shop = Imitation::running();
    for turn in 0..12 {
        shop.world.now += Duration::seconds(11);
        let index = shop.world.instances.iter().position(|i| i.roles.len() == 3).unwrap();
        shop.kill(index);
        let plan = shop.pass(usize::MAX);
        assert!(plan.steps.iter().any(|step| matches!(step, Step::Run { .. })), "at once, also in turn {turn}");
        assert_eq!((shop.world.service.status.failures, shop.state()), (1, ServiceState::Adapting));
        shop.settle();
        assert_eq!(shop.state(), ServiceState::Running);
    }
}

#[test]
fn an_image_that_is_built_is_told_of_and_one_that_fails_is_an_error() {
    let mut shop = Imitation::new();
    shop.world.image = Image::Unknown;
    shop.ask(|service| service.desired = DesiredState::Running);
    assert!(shop.turn().steps.contains(&Step::BuildImage));
    shop.world.image = Image::Building("php: step 3 of 7".into());
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Prologue);
    assert_eq!(shop.world.operation.as_ref().unwrap().progress, "preparing the image (php: step 3 of 7)");
    let retry_at = shop.world.now + Duration::seconds(30);
    shop.world.image = Image::Failed { reason: "no such package: phpp".into(), retry_at };
    let plan = shop.turn();
    assert_eq!(shop.state(), ServiceState::Error);
    assert!(shop.world.service.status.reason.contains("phpp"));
    assert!(plan.wake_at.is_some_and(|at| at <= retry_at));
    shop.world.now = retry_at;
    assert!(shop.turn().steps.contains(&Step::BuildImage), "it tries again");
    shop.world.now += Duration::seconds(130);
    shop.turn();
    assert_eq!(shop.failed.len(), 1, "whoever waits is told");
    shop.world.image = Image::Ready("aerie/php:1".into());
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running, "the service went on by itself");
}

#[test]
fn a_service_can_be_stopped_and_deleted_while_its_image_is_built() {
    let mut shop = Imitation::new();
    shop.world.image = Image::Building(String::new());
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.turn();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Stopped);
    shop.ask(|service| service.desired = DesiredState::Deleted);
    shop.settle();
    assert!(shop.deleted);
}

#[test]
fn a_setting_that_cannot_be_written_fails_at_once() {
    let mut shop = Imitation::running();
    shop.ask(|service| {
        service.settings.insert("broken".into(), "x".into());
    });
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Error);
    assert_eq!(shop.failed.len(), 1);
    shop.ask(|service| service.settings.clear());
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn a_container_that_cannot_be_made_is_tried_again_later() {
    let mut shop = Imitation::new();
    shop.fail_runs = 6;
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.turn();
    assert!(!shop.turn().steps.iter().any(|step| matches!(step, Step::Run { .. })), "not before its time");
    assert_eq!(shop.state(), ServiceState::Prologue);
    shop.world.now += Duration::seconds(1);
    shop.turn();
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Error, "twice is an error");
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn an_instance_is_left_alone_while_something_is_done_to_it() {
    let mut shop = Imitation::new();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.pass(0);
    shop.turn();
    shop.containers.clear();
    for row in &mut shop.world.instances {
        row.work = Work::Busy;
        row.status = "absent".into();
    }
    let plan = shop.pass(usize::MAX);
    assert!(plan.steps.iter().all(Step::is_row), "{:?}", plan.steps);
    assert_eq!(shop.world.service.status.failures, 0);
}

#[test]
fn an_instance_whose_agent_is_silent_is_replaced_after_a_minute() {
    let mut shop = Imitation::running();
    let packed = shop.world.instances.iter().find(|row| row.roles.len() == 3).unwrap().id;
    shop.silent.insert(packed);
    shop.world.now += Duration::seconds(20);
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Adapting);
    assert!(
        shop.world.service.status.reason.contains("Nothing has been heard"),
        "{}",
        shop.world.service.status.reason
    );
    assert_eq!(shop.world.instances.len(), 2, "not yet");
    shop.world.now += Duration::seconds(45);
    shop.turn();
    assert_eq!(shop.world.instances.len(), 3);
    // it may still work: it stays listed until the other one serves
    shop.turn();
    assert!(shop.world.instances.iter().any(|row| row.id == packed && row.roles[0].phase != RolePhase::Starting));
    shop.settle();
    assert!(shop.world.instances.iter().all(|row| row.id != packed));
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn an_instance_whose_director_is_silent_itself_is_not_replaced() {
    let mut shop = Imitation::running();
    let before: Vec<_> = shop.world.instances.iter().map(|row| row.id).collect();
    for row in &mut shop.world.instances {
        row.out_of_hearing = true;
    }
    shop.silent.extend(before.iter().copied());
    shop.world.now += Duration::minutes(5);
    shop.turn();
    shop.turn();
    let after: Vec<_> = shop.world.instances.iter().map(|row| row.id).collect();
    assert_eq!(after, before);
}

#[test]
fn our_own_deafness_is_not_their_silence() {
    let mut shop = Imitation::running();
    shop.world.now += Duration::hours(2);
    shop.world.watching_since = shop.world.now - Duration::seconds(1);
    let plan = shop.pass(usize::MAX);
    assert_eq!(plan.steps, []);
}

#[test]
fn a_helper_with_a_volume_is_replaced_only_when_the_old_one_is_gone() {
    let mut shop = Imitation::running();
    let sessions = shop.world.instances.iter().find(|row| row.auxiliary).unwrap().id;
    shop.silent.insert(sessions);
    shop.world.now += Duration::seconds(120);
    // the imitation asserts that no two containers ever share a volume
    shop.settle();
    assert!(shop.world.instances.iter().any(|row| row.auxiliary && row.id != sessions));
}

#[test]
fn an_unhealthy_member_stays_listed_and_is_told_of() {
    let mut shop = Imitation::running();
    shop.sick.insert(role("web"));
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Adapting);
    assert!(shop.world.service.status.reason.contains("connection refused"));
    assert_eq!(shop.serving().get(&role("web")), Some(&1));
    shop.world.now += Duration::seconds(62);
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Error);
    shop.sick.clear();
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn a_container_that_the_engine_restarted_starts_over() {
    let mut shop = Imitation::running();
    shop.losses = true;
    let row = shop.world.instances.iter_mut().find(|row| row.roles.len() == 3).unwrap();
    row.report.as_mut().unwrap().applied_generation = 0;
    shop.pass(usize::MAX);
    assert_eq!(shop.serving().get(&role("proxy")), None);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn a_service_whose_kind_is_gone_says_so_and_can_be_deleted() {
    let mut shop = Imitation::running();
    shop.world.kind = None;
    shop.turn();
    assert_eq!(shop.state(), ServiceState::Error);
    assert_eq!(shop.pass(usize::MAX).steps, []);
    shop.ask(|service| service.desired = DesiredState::Deleted);
    shop.settle();
    assert!(shop.deleted);
}
