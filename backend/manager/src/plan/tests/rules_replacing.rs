//! Instances that have become old are replaced.

use super::imitation::{Imitation, role};
use crate::{
    step::Step,
    world::{Image, Instance},
};
use aerie_domain::{DesiredState, InstanceId, ServiceState};
use std::collections::BTreeSet;
use time::Duration;

fn ids(shop: &Imitation) -> BTreeSet<InstanceId> {
    shop.world.instances.iter().filter(|row| !row.auxiliary).map(|row| row.id).collect()
}

fn helper(shop: &Imitation) -> InstanceId {
    shop.world.instances.iter().find(|row| row.auxiliary).unwrap().id
}

#[test]
fn a_packed_instance_goes_when_its_successor_serves() {
    let mut shop = Imitation::running().with_entry();
    let (old, sessions) = (ids(&shop), helper(&shop));
    shop.set_variable(1);
    shop.turn();
    assert_eq!(ids(&shop).len(), 2, "the new one first");
    assert_eq!(shop.state(), ServiceState::Adapting);
    let mut passes = 0;
    while ids(&shop).len() > 1 {
        shop.turn();
        assert!(shop.serving()[&role("proxy")] >= 1);
        shop.check_no_dangling();
        shop.world.now += Duration::seconds(1);
        passes += 1;
        assert!(passes < 100);
    }
    shop.settle();
    assert!(ids(&shop).is_disjoint(&old) && shop.is_new());
    assert_eq!(helper(&shop), sessions, "the helper knows no variables of users");
    assert_eq!(shop.state(), ServiceState::Running);
    shop.check_fixpoint();
}

#[test]
fn instances_are_replaced_one_per_role_at_a_time() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 3);
    shop.settle();
    let old = ids(&shop);
    let kinds = |shop: &Imitation| {
        let is_php = |row: &&Instance| row.roles.iter().any(|r| r.name == role("php"));
        shop.containers.keys().filter(|id| shop.world.instances.iter().filter(is_php).any(|row| row.id == **id)).count()
    };
    shop.set_variable(1);
    for _ in 0..200 {
        let plan = shop.turn();
        assert!(kinds(&shop) <= 4, "one more than are wanted, never two");
        assert!(shop.serving()[&role("php")] >= 3);
        if plan.settled && plan.steps.is_empty() {
            break;
        }
        shop.world.now += Duration::milliseconds(600);
    }
    shop.settle();
    assert!(ids(&shop).is_disjoint(&old) && shop.is_new());
}

#[test]
fn what_is_held_back_still_hears_of_others() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    shop.settle();
    // the successor never gets well: everything stays as it is …
    shop.set_variable(1);
    shop.turn();
    let front = shop.world.instances.iter().find(|row| row.roles.len() == 2).unwrap().id;
    shop.sick.insert(role("web"));
    let php = shop.world.instances.iter().position(|row| row.roles.len() == 1 && !row.auxiliary).unwrap();
    let short = shop.world.instances[php].short.clone();
    shop.losses = true;
    shop.kill(php);
    shop.pass(usize::MAX);
    // … but nobody is sent to the dead, and nothing is started anew for that
    let row = shop.world.instances.iter().find(|row| row.id == front).unwrap();
    let config = row.config.as_ref().unwrap();
    assert!(config.files.iter().all(|file| !file.content.contains(&short)));
    assert!(config.environment.is_empty(), "still as it was started");
    shop.sick.clear();
    shop.settle();
    assert!(shop.is_new());
}

#[test]
fn a_setting_that_does_not_work_costs_nothing_and_can_be_taken_back() {
    let mut shop = Imitation::running();
    let old = ids(&shop);
    shop.sick.insert(role("php"));
    shop.set_variable(1);
    for _ in 0..30 {
        // those that run do so with what they were started with
        shop.silent = old.clone();
        shop.turn();
        shop.silent.clear();
        for row in shop.world.instances.iter_mut().filter(|row| old.contains(&row.id)) {
            row.report_at = Some(shop.world.now);
        }
        assert!(shop.serving()[&role("proxy")] >= 1);
        shop.world.now += Duration::seconds(5);
    }
    assert_eq!(shop.state(), ServiceState::Error, "and says why");
    assert!(ids(&shop).is_superset(&old));
    shop.ask(|service| service.variables.clear());
    shop.sick.clear();
    shop.settle();
    assert_eq!(ids(&shop), old);
}

#[test]
fn an_instance_that_nobody_uses_yet_gets_the_change_where_it_is() {
    let mut shop = Imitation::new();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.turn();
    let first = ids(&shop);
    shop.set_variable(1);
    shop.settle();
    assert_eq!(ids(&shop), first);
    assert!(shop.is_new());
}

#[test]
fn a_restart_replaces_all_but_helpers() {
    let mut shop = Imitation::running().with_entry();
    shop.scale(1, 1, 2);
    shop.settle();
    let (old, sessions) = (ids(&shop), helper(&shop));
    shop.restart();
    shop.settle();
    assert!(ids(&shop).is_disjoint(&old));
    assert_eq!(helper(&shop), sessions);
    shop.check_fixpoint();
}

#[test]
fn a_restart_waits_for_those_it_uses() {
    let mut shop = Imitation::running();
    let old = ids(&shop);
    shop.world.service.restarting = vec!["db".to_owned()];
    shop.restart();
    for _ in 0..5 {
        shop.turn();
        shop.world.now += Duration::seconds(1);
    }
    assert_eq!(ids(&shop), old);
    assert!(shop.world.operation.as_ref().unwrap().progress.contains("waiting for db"));
    shop.world.service.restarting.clear();
    shop.settle();
    assert!(ids(&shop).is_disjoint(&old));
}

#[test]
fn slots_restart_one_after_the_other_and_the_first_last() {
    let mut shop = Imitation::database();
    shop.scale_database(1, 3);
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.settle();
    let first = shop.world.instances.iter().find(|row| row.slot == Some(0)).unwrap().id;
    let volumes = shop.volumes.clone();
    shop.restart();
    let mut order: Vec<u32> = Vec::new();
    for _ in 0..400 {
        let plan = shop.turn();
        assert!(shop.serving()[&role("data")] >= 2, "one at a time");
        let news = shop.world.instances.iter().filter(|row| row.generation >= shop.world.service.restart_generation);
        for slot in news.filter_map(|row| row.slot) {
            if !order.contains(&slot) {
                order.push(slot);
            }
        }
        if plan.settled && plan.steps.is_empty() {
            break;
        }
        shop.world.now += Duration::milliseconds(500);
    }
    assert_eq!(order, [2, 1, 0]);
    assert!(shop.world.instances.iter().all(|row| row.id != first));
    assert_eq!((shop.slots(), shop.volumes.clone()), (vec![0, 1, 2], volumes));
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn processes_beside_a_volume_are_started_anew_where_they_are_one_after_the_other() {
    let mut shop = Imitation::database();
    shop.scale_database(1, 3);
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.settle();
    let servers: BTreeSet<InstanceId> =
        shop.world.instances.iter().filter(|row| row.slot.is_some()).map(|row| row.id).collect();
    shop.set_variable(1);
    // that they take turns is checked whenever agents work
    shop.settle();
    assert!(shop.is_new());
    let after = shop.world.instances.iter().filter(|row| row.slot.is_some()).map(|row| row.id).collect();
    assert_eq!(servers, after);
}

#[test]
fn nothing_gives_way_before_the_image_of_its_successor_is_there() {
    let mut shop = Imitation::database();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.settle();
    shop.world.image = Image::Unknown;
    shop.restart();
    let plan = shop.turn();
    assert!(plan.steps.contains(&Step::BuildImage));
    assert_eq!(shop.serving()[&role("data")], 1);
    shop.world.image = Image::Ready("aerie/database:2".into());
    shop.settle();
    assert!(shop.containers.values().all(|container| container.spec.image == "aerie/database:2"));
}

#[test]
fn a_volume_reaches_the_instances_that_may_have_it_by_replacing_them() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    shop.settle();
    let with_php = |shop: &Imitation| -> BTreeSet<InstanceId> {
        let rows = shop.world.instances.iter().filter(|row| row.roles.iter().any(|r| r.name == role("php")));
        rows.map(|row| row.id).collect()
    };
    let (front, old) = (ids(&shop).difference(&with_php(&shop)).copied().collect::<BTreeSet<_>>(), with_php(&shop));
    shop.attach(Some(false));
    shop.settle();
    let new = with_php(&shop);
    assert!(new.is_disjoint(&old) && ids(&shop).is_superset(&front), "only those that have it are new");
    assert_eq!(shop.attached(), new.iter().map(|id| (*id, false)).collect());
    shop.check_fixpoint();
    // packed or not, whoever runs php has it, and nobody else
    shop.scale(1, 1, 1);
    shop.settle();
    assert_eq!(shop.attached().len(), 1);
    shop.scale(1, 2, 3);
    shop.settle();
    assert_eq!(shop.attached().len(), 3);
    assert!(shop.is_new());
    shop.attach(None);
    shop.settle();
    assert_eq!(shop.attached(), BTreeSet::new());
    let volumes = shop.volumes.iter().filter(|volume| volume.contains("-volume-")).count();
    assert_eq!(volumes, 1, "what is on it stays");
}
