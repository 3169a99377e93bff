//! Volumes whose content another service keeps, and the role that mounts what a service keeps.

use super::imitation::{Imitation, role};
use crate::{
    step::{Plan, Step},
    world::VolumePlace,
};
use aerie_domain::{DesiredState, InstanceId, ServiceState};
use std::{collections::BTreeSet, sync::Arc};
use time::Duration;

fn away() -> VolumePlace {
    VolumePlace::Away("files".to_owned())
}

fn carried(container: &str) -> VolumePlace {
    VolumePlace::Carried(container.to_owned())
}

/// Through which mounters its containers have the volume.
fn carriers(shop: &Imitation) -> Vec<String> {
    let mounts = shop.containers.values().flat_map(|container| &container.spec.volumes);
    mounts.filter(|mount| mount.named.is_some()).map(|mount| mount.carrier.clone().unwrap_or_default()).collect()
}

#[test]
fn an_instance_is_made_with_its_volumes_or_not_at_all() {
    let mut shop = Imitation::new();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.attach(Some(false));
    shop.lies(&away());
    for _ in 0..5 {
        shop.turn();
    }
    assert_eq!(carriers(&shop), Vec::<String>::new());
    assert!(shop.world.service.status.reason.contains("waiting for files"), "{:?}", shop.world.service.status);
    shop.lies(&carried("x-1"));
    shop.settle();
    assert_eq!((carriers(&shop), shop.state()), (vec!["x-1".to_owned()], ServiceState::Running));
    shop.check_fixpoint();
}

#[test]
fn who_has_a_volume_by_a_mount_that_has_ended_is_replaced_when_there_is_another() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    shop.attach(Some(false));
    shop.lies(&carried("x-1"));
    shop.settle();
    let ids = |shop: &Imitation| shop.attached().into_iter().map(|(id, _)| id).collect::<BTreeSet<InstanceId>>();
    let old = ids(&shop);
    // nothing would be better elsewhere
    shop.lies(&away());
    shop.check_fixpoint();
    shop.lies(&carried("x-2"));
    let mut turns = 0;
    while carriers(&shop) != ["x-2", "x-2"] {
        shop.turn();
        assert!(shop.serving()[&role("php")] >= 2, "one after the other");
        shop.world.now += Duration::seconds(1);
        turns += 1;
        assert!(turns < 100);
    }
    shop.settle();
    assert!(ids(&shop).is_disjoint(&old));
    shop.check_fixpoint();
}

#[test]
fn a_mount_that_ends_is_never_started_again_in_its_place() {
    let mut kind = super::imitation::php_kind();
    let helper = kind.spec.roles.iter_mut().find(|role| role.auxiliary).unwrap();
    (helper.mounts, helper.volume) = (true, None);
    let mut shop = Imitation::new();
    shop.world.kind = Some(Arc::new(kind));
    shop.ask(|service| service.desired = DesiredState::Running);
    let wakes = |plan: &Plan| plan.steps.contains(&Step::WakeUsersOfCarried);
    let mut woken = false;
    for _ in 0..30 {
        woken |= wakes(&shop.turn());
        shop.world.now += Duration::milliseconds(500);
    }
    assert!(woken, "whoever waits for what is mounted hears of it");
    let mounter = |shop: &Imitation| shop.world.instances.iter().position(|row| row.auxiliary && row.wanted).unwrap();
    let index = mounter(&shop);
    let old = shop.world.instances[index].id;
    assert!(shop.containers[&old].spec.mounter, "it has the privileges");
    assert_eq!(shop.containers.values().filter(|container| container.spec.mounter).count(), 1, "nobody else has");
    shop.kill(index);
    shop.turn();
    shop.settle();
    assert_ne!(shop.world.instances[mounter(&shop)].id, old);
    assert!(!shop.containers.contains_key(&old));
    assert_eq!(shop.state(), ServiceState::Running);
    shop.check_fixpoint();
}
