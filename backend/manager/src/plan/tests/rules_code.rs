//! Code versions.

use super::imitation::{Imitation, role};
use aerie_domain::ServiceState;
use time::Duration;

#[test]
fn a_version_is_served_when_everybody_who_serves_has_it() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    shop.settle();
    let first = shop.world.service.serving;
    let second = shop.add_version(1);
    shop.ask(|service| service.active = Some(second));
    shop.turn();
    assert_eq!(shop.world.service.serving, first, "nobody has it yet");
    assert_eq!(shop.state(), ServiceState::Adapting);
    assert_eq!(shop.world.operation.as_ref().unwrap().progress, "staging version 1 on 0 of 3 instances");
    shop.turn();
    assert_eq!(shop.world.service.serving, Some(second));
    assert_eq!(shop.world.service.previous, first, "the way back stays staged");
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
    for row in shop.world.instances.iter().filter(|row| !row.auxiliary) {
        assert_eq!(row.report.as_ref().unwrap().staged.len(), 2, "{:?}", row.roles);
    }
    shop.check_fixpoint();
}

#[test]
fn code_is_looked_through_once() {
    let mut shop = Imitation::running();
    let told = |shop: &Imitation| {
        let rows = shop.world.instances.iter().filter(|row| row.roles.iter().any(|role| role.name.as_str() == "php"));
        rows.map(|row| (row.id, row.config.clone().unwrap())).collect::<Vec<_>>()
    };
    let [(first, before)] = &told(&shop)[..] else { panic!("one to begin with") };
    assert_eq!(before.code.check, ["look"]);
    assert!(shop.world.versions.iter().all(|version| version.checked), "it told what it saw");
    shop.check_fixpoint();
    shop.scale(1, 1, 3);
    shop.settle();
    let others: Vec<_> = told(&shop).into_iter().filter(|(id, _)| id != first).collect();
    assert_eq!(others.len(), 3);
    assert!(others.iter().all(|(_, config)| config.code.check.is_empty() && config.code.versions.len() == 1));
    let second = shop.add_version(1);
    shop.ask(|service| service.active = Some(second));
    shop.turn();
    assert!(told(&shop).iter().all(|(_, config)| config.code.check == ["look"]), "nobody has seen this one");
}

#[test]
fn what_programs_note_of_the_active_version_is_told_once() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    shop.settle();
    assert_eq!(shop.world.service.status.reason, "");
    let first = shop.world.service.serving.unwrap();
    let second = shop.add_version(7);
    shop.ask(|service| service.active = Some(second));
    shop.note = format!("version {second} could not be started\nversion {first} has a strange servlet");
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running, "it does what it was asked for");
    assert_eq!(shop.world.service.status.reason, "version 7 could not be started", "each note once");
    assert_eq!(shop.lines.iter().filter(|line| line.contains("could not be started")).count(), 1, "{:?}", shop.lines);
    shop.check_fixpoint();
    shop.ask(|service| service.active = Some(first));
    shop.settle();
    assert_eq!(shop.world.service.status.reason, "version 0 has a strange servlet", "what is said of the active one");
    shop.check_fixpoint();
}

#[test]
fn one_flip_at_a_time() {
    let mut shop = Imitation::running();
    shop.scale(2, 1, 1);
    shop.settle();
    let (second, third) = (shop.add_version(1), shop.add_version(2));
    shop.ask(|service| service.active = Some(second));
    shop.turn();
    shop.turn();
    assert_eq!(shop.world.service.serving, Some(second));
    let first = shop.world.service.previous.unwrap();
    // one proxy has not heard of the flip: the version that it still names must not go
    let deaf = shop.world.instances.iter().find(|i| i.roles[0].name.as_str() == "proxy").unwrap().id;
    shop.silent.insert(deaf);
    shop.ask(|service| service.active = Some(third));
    for _ in 0..4 {
        shop.turn();
    }
    assert_eq!(shop.world.service.serving, Some(second));
    let php = shop.world.instances.iter().find(|i| i.roles[0].name.as_str() == "php").unwrap();
    assert!(php.has_staged(third) && php.has_staged(first));
    shop.silent.clear();
    shop.settle();
    assert_eq!(shop.world.service.serving, Some(third));
}

#[test]
fn a_starting_instance_does_not_hold_up_a_flip_but_serves_the_new_version() {
    let mut shop = Imitation::running();
    shop.sick.insert(role("php"));
    shop.scale(1, 1, 2);
    for _ in 0..3 {
        shop.pass(usize::MAX);
    }
    shop.sick.clear();
    let second = shop.add_version(1);
    shop.ask(|service| service.active = Some(second));
    shop.settle();
    assert_eq!(shop.world.service.serving, Some(second));
    assert!(shop.world.instances.iter().filter(|i| !i.auxiliary).all(|row| row.has_staged(second)));
}

#[test]
fn a_version_activated_while_stopped_is_served_at_once_after_the_start() {
    let mut shop = Imitation::new();
    let second = shop.add_version(1);
    shop.ask(|service| service.active = Some(second));
    shop.settle();
    assert_eq!(shop.finished, [2], "nothing to wait for");
    assert_eq!(shop.state(), ServiceState::Init);
    shop.ask(|service| service.desired = aerie_domain::DesiredState::Running);
    shop.turn();
    assert_eq!(shop.world.service.serving, Some(second));
}

#[test]
fn what_the_check_said_is_kept_once() {
    let mut shop = Imitation::running();
    let id = shop.world.versions[0].spec.id;
    shop.world.versions[0].checked = false;
    for row in &mut shop.world.instances {
        let check = aerie_agent_protocol::CheckReport { version: id, ok: false, output: row.short.clone() };
        row.report.as_mut().unwrap().checks = vec![check];
    }
    let plan = shop.pass(usize::MAX);
    assert_eq!(plan.steps.iter().filter(|s| matches!(s, crate::step::Step::SetCheck { ok: false, .. })).count(), 1);
    shop.world.now += Duration::seconds(1);
    shop.check_fixpoint();
}
