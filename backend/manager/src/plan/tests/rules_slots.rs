//! Roles whose instances each have a volume: slots.

use super::imitation::{Imitation, role};
use crate::{names, plan::tests::imitation::Container, step::Step};
use aerie_domain::{DesiredState, InstanceId, RolePhase, ServiceState};
use aerie_kinds::Kinds;
use std::{collections::BTreeSet, path::Path};
use time::Duration;

fn running() -> Imitation {
    let mut shop = Imitation::database();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
    shop
}

fn volume(shop: &Imitation, slot: u32) -> String {
    names::volume("aerie", shop.world.service.id, "data", slot)
}

fn mounts(shop: &Imitation) -> BTreeSet<String> {
    let volumes = |container: &Container| container.spec.volumes.clone();
    shop.containers.values().flat_map(volumes).map(|mount| mount.volume).collect()
}

#[test]
fn one_instance_has_the_volume_that_it_had_before_there_were_slots() {
    let shop = running();
    assert_eq!((shop.shapes(), shop.slots()), (vec!["front data".to_owned()], vec![0]));
    let before = format!("aerie-{}-data", shop.world.service.id.0.simple());
    assert_eq!(mounts(&shop), [before].into());
}

#[test]
fn scaling_up_and_down_keeps_data_in_its_slots() {
    let mut shop = running();
    shop.scale_database(1, 3);
    shop.settle();
    assert_eq!(shop.shapes(), ["data", "data", "data", "front"]);
    assert_eq!(shop.slots(), [0, 1, 2]);
    assert_eq!(mounts(&shop), [0, 1, 2].map(|slot| volume(&shop, slot)).into());
    shop.check_fixpoint();
    shop.scale_database(1, 1);
    shop.settle();
    assert_eq!((shop.shapes(), shop.slots()), (vec!["front data".to_owned()], vec![0]));
    assert_eq!(mounts(&shop), [volume(&shop, 0)].into());
    assert_eq!(shop.volumes.len(), 3, "the others are kept until the service is deleted");
    shop.check_fixpoint();
}

#[test]
fn the_first_server_moves_only_when_the_others_serve() {
    let mut shop = running();
    let first = shop.world.instances[0].id;
    shop.scale_database(1, 3);
    shop.turn();
    let serves = |shop: &Imitation| shop.world.instances.iter().find(|row| row.id == first).unwrap().roles.clone();
    assert!(serves(&shop).iter().all(|role| role.phase == RolePhase::Serving));
    // the other servers do not get ready: it stays whole
    shop.sick.insert(role("data"));
    for _ in 0..5 {
        shop.turn();
        shop.world.now += Duration::seconds(1);
    }
    assert!(serves(&shop).iter().all(|role| role.phase == RolePhase::Serving));
    shop.sick.clear();
    shop.settle();
    assert!(shop.world.instances.iter().all(|row| row.id != first), "its container had a name and a volume to give up");
    assert_eq!(shop.slots(), [0, 1, 2]);
}

#[test]
fn whoever_takes_over_waits_until_the_container_is_gone() {
    let mut shop = running();
    let first = shop.world.instances[0].id;
    shop.silent.insert(first);
    shop.world.now += Duration::seconds(120);
    for _ in 0..20 {
        // that two containers never have one volume is checked with every step
        shop.turn();
        shop.world.now += Duration::seconds(1);
    }
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
    assert!(shop.world.instances.iter().all(|row| row.id != first));
    assert_eq!((shop.slots(), mounts(&shop)), (vec![0], [volume(&shop, 0)].into()));
}

#[test]
fn the_first_slot_is_stopped_last() {
    let mut shop = running();
    shop.scale_database(1, 3);
    shop.settle();
    shop.ask(|service| service.desired = DesiredState::Stopped);
    let first = shop.world.instances.iter().find(|row| row.slot == Some(0)).unwrap().id;
    let plan = shop.turn();
    let removes = plan.steps.iter().filter(|step| matches!(step, Step::Remove { .. })).count();
    assert_eq!(removes, 2, "front and the last server");
    while shop.containers.len() > 1 {
        assert!(shop.containers.contains_key(&first));
        shop.turn();
    }
    assert!(shop.containers.contains_key(&first));
    shop.settle();
    assert!(shop.containers.is_empty());
    assert_eq!(shop.state(), ServiceState::Stopped);
    assert_eq!(shop.volumes.len(), 3);
    // with fewer than before: the first has everything
    shop.scale_database(1, 1);
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.settle();
    assert_eq!(shop.slots(), [0]);
}

#[test]
fn a_server_is_told_of_slots_until_nobody_holds_them() {
    let mut shop = running();
    shop.scale_database(1, 3);
    shop.settle();
    let named = |shop: &Imitation| {
        let words = |container: &Container| container.spec.network.clone();
        let all: Vec<String> = shop.containers.values().map(|container| format!("{:?}", words(container))).collect();
        (0..3).all(|slot| all.iter().any(|text| text.contains(&format!("data-{slot}.shop"))))
    };
    assert!(named(&shop), "each is found by the name of its slot");
    shop.scale_database(1, 1);
    shop.turn();
    assert_eq!(shop.slots(), [0, 1, 2], "nobody has left yet");
}

#[test]
fn a_slot_is_given_up_only_after_its_data_was_handed_over() {
    let mut shop = running();
    shop.scale_database(1, 3);
    shop.settle();
    shop.scale_database(1, 2);
    while !shop.world.instances.iter().any(|row| row.roles.iter().any(|role| role.phase == RolePhase::Draining)) {
        shop.turn();
    }
    let last = shop.world.instances.iter().position(|row| row.slot == Some(2)).unwrap();
    let config = shop.world.instances[last].config.clone().unwrap();
    assert_eq!(config.drain.len(), 1);
    // however long it takes, and even if its container ends meanwhile
    for turn in 0..20 {
        if turn == 5 {
            shop.kill(last);
        }
        shop.look();
        shop.world.now += Duration::seconds(20);
        shop.pass(usize::MAX);
        assert_eq!(shop.slots(), [0, 1, 2]);
    }
    shop.settle();
    assert_eq!((shop.slots(), shop.undrained.contains(&2)), (vec![0, 1], false));
}

#[test]
fn a_slot_that_is_wanted_again_need_not_hand_over() {
    let mut shop = running();
    shop.scale_database(1, 3);
    shop.settle();
    shop.scale_database(1, 2);
    for _ in 0..3 {
        shop.pass(usize::MAX);
    }
    shop.scale_database(1, 3);
    shop.settle();
    assert_eq!((shop.slots(), shop.state()), (vec![0, 1, 2], ServiceState::Running));
    assert!(shop.undrained.contains(&2));
}

#[test]
fn data_of_slots_that_were_stopped_is_handed_over_at_the_next_start() {
    let mut shop = running();
    shop.scale_database(1, 3);
    shop.settle();
    assert_eq!(shop.world.service.slots_kept, 3);
    shop.ask(|service| service.desired = DesiredState::Stopped);
    shop.settle();
    shop.scale_database(1, 1);
    shop.settle();
    assert!(shop.undrained.contains(&2), "it is still there");
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.turn();
    assert_eq!(shop.slots(), [0, 1, 2], "all of them start, although one is wanted");
    shop.settle();
    assert_eq!((shop.slots(), shop.world.service.slots_kept), (vec![0], 1));
    assert_eq!(shop.undrained, [0].into());
}

#[test]
fn slots_that_never_ran_have_nothing_to_hand_over() {
    let mut shop = running();
    shop.world.image = crate::world::Image::Building("step 1".into());
    shop.scale_database(1, 3);
    shop.turn();
    assert_eq!(shop.slots(), [0, 1, 2]);
    shop.scale_database(1, 1);
    shop.settle();
    assert_eq!((shop.slots(), shop.world.service.slots_kept), (vec![0], 1));
}

/// Programs of a user's own: a master and three nodes, whose volumes have nothing to do with each other.
fn lab() -> Imitation {
    let kinds = Kinds::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates")).unwrap();
    let mut lab = Imitation::of(kinds.get("generic").unwrap().clone());
    lab.ask(|service| {
        service.desired = DesiredState::Running;
        service.counts.insert(role("node"), 3);
    });
    lab.settle();
    assert_eq!(lab.shapes(), ["master door", "node", "node", "node"]);
    assert_eq!(lab.slots(), [0, 1, 2]);
    lab
}

#[test]
fn instances_with_volumes_of_their_own_find_them_again_and_are_stopped_together() {
    let mut lab = lab();
    let ids = |lab: &Imitation| lab.world.instances.iter().map(|row| row.id).collect::<BTreeSet<InstanceId>>();
    let (volumes, before) = (mounts(&lab), ids(&lab));
    assert_eq!(volumes.len(), 4);
    lab.restart();
    lab.settle();
    assert!(ids(&lab).is_disjoint(&before), "all of them are new");
    assert_eq!((mounts(&lab), lab.slots()), (volumes.clone(), vec![0, 1, 2]));
    lab.ask(|service| service.desired = DesiredState::Stopped);
    let plan = lab.turn();
    let removes = plan.steps.iter().filter(|step| matches!(step, Step::Remove { .. })).count();
    assert_eq!(removes, 4, "nobody waits for another slot");
    lab.settle();
    assert_eq!((lab.state(), &lab.volumes), (ServiceState::Stopped, &volumes));
    lab.ask(|service| service.desired = DesiredState::Running);
    lab.settle();
    assert_eq!(mounts(&lab), volumes);
    lab.check_fixpoint();
}

#[test]
fn instances_with_volumes_of_their_own_leave_whoever_else_is_not_well() {
    let mut lab = lab();
    lab.losses = true;
    lab.sick.insert(role("node"));
    let first = lab.world.instances.iter().position(|row| row.slot == Some(0)).unwrap();
    lab.kill(first);
    lab.turn();
    lab.ask(|service| {
        service.counts.insert(role("node"), 1);
    });
    for _ in 0..20 {
        lab.turn();
        lab.world.now += Duration::seconds(1);
    }
    assert_eq!(lab.slots(), [0], "the others have left, though it does not serve");
    lab.sick.clear();
    lab.settle();
    assert_eq!((lab.shapes().len(), lab.state()), (2, ServiceState::Running));
}
