//! Starting and scaling.

use super::imitation::{Imitation, role};
use crate::step::Step;
use aerie_domain::{DesiredState, ServiceState};

#[test]
fn a_service_starts_packed_with_one_configuration_each() {
    let mut shop = Imitation::new();
    shop.ask(|service| service.desired = DesiredState::Running);
    let plan = shop.turn();
    assert_eq!(
        plan.steps.iter().filter(|s| matches!(s, Step::Run { .. })).count(),
        2,
        "containers start in the first pass"
    );
    assert_eq!(shop.state(), ServiceState::Prologue);
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
    assert_eq!(shop.shapes(), ["proxy web php", "sessions"]);
    assert_eq!(shop.finished, [2]);
    assert_eq!(shop.world.service.status.observed_generation, 2);
    let packed = shop.world.instances.iter().find(|row| !row.auxiliary).unwrap();
    // the sessions helper becomes ready at the same time: one more
    assert!(packed.config_generation <= 2, "{}", packed.config_generation);
    shop.check_fixpoint();
}

#[test]
fn the_first_turn_after_the_agents_report_makes_a_packed_service_ready() {
    let mut shop = Imitation::new();
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.turn();
    shop.turn();
    assert_eq!(shop.serving().get(&role("proxy")), Some(&1));
}

#[test]
fn scaling_moves_roles_to_instances_of_their_own_and_back() {
    let mut shop = Imitation::running().with_entry();
    for (counts, shapes) in [
        ((1, 1, 3), vec!["php", "php", "php", "proxy web", "sessions"]),
        ((2, 2, 3), vec!["php", "php", "php", "proxy", "proxy", "sessions", "web", "web"]),
        ((2, 1, 1), vec!["php", "proxy", "proxy", "sessions", "web"]),
        ((1, 1, 1), vec!["php proxy web", "sessions"]),
    ] {
        shop.scale(counts.0, counts.1, counts.2);
        let mut turns = 0;
        loop {
            let plan = shop.turn();
            shop.check_no_dangling();
            if plan.settled && plan.steps.is_empty() {
                break;
            }
            turns += 1;
            assert!(turns < 300, "{counts:?}: {:?}", plan.steps);
            shop.world.now += time::Duration::milliseconds(100);
        }
        let mut found: Vec<String> = shop.shapes();
        for shape in &mut found {
            let mut words: Vec<&str> = shape.split(' ').collect();
            words.sort_unstable();
            *shape = words.join(" ");
        }
        found.sort();
        assert_eq!(found, shapes, "{counts:?}");
        shop.check_fixpoint();
    }
}

#[test]
fn make_comes_before_break() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    shop.turn();
    let old = shop.world.instances.iter().find(|row| row.roles.len() == 3).expect("the packed instance keeps all");
    assert!(old.roles.iter().all(|role| role.drain_until.is_none()));
    // the new ones are ready in the next turn, and only then the old one drains
    shop.turn();
    assert_eq!(shop.serving().get(&role("php")), Some(&3));
    shop.turn();
    assert_eq!(shop.serving().get(&role("php")), Some(&2));
}

#[test]
fn a_drained_role_runs_until_its_deadline_and_until_its_users_know() {
    let mut shop = Imitation::running();
    shop.scale(1, 1, 2);
    while shop.serving().get(&role("php")) != Some(&2)
        || !shop.world.instances.iter().any(|i| i.roles.iter().any(|r| r.drain_until.is_some()))
    {
        shop.turn();
    }
    let drains =
        |shop: &Imitation| shop.world.instances.iter().any(|i| i.roles.iter().any(|r| r.drain_until.is_some()));
    shop.turn();
    assert!(drains(&shop), "not before the deadline");
    // users do not apply anything: the deadline alone is not enough …
    shop.world.now += time::Duration::seconds(6);
    let row = shop.world.instances.iter_mut().find(|row| row.roles.len() == 3).unwrap();
    row.report.as_mut().unwrap().applied_generation -= 1;
    shop.pass(usize::MAX);
    assert!(drains(&shop), "users do not know yet");
    // … but half a minute later it ends in any case
    shop.world.now += time::Duration::seconds(30);
    shop.pass(usize::MAX);
    assert!(!drains(&shop));
}

#[test]
fn the_entry_is_waited_for_before_a_public_role_ends() {
    let mut shop = Imitation::running().with_entry();
    shop.scale(2, 1, 1);
    shop.settle();
    shop.scale(1, 2, 1);
    for _ in 0..3 {
        shop.turn();
    }
    let proxies = |shop: &Imitation| {
        shop.world.instances.iter().filter(|i| i.roles.iter().any(|r| r.name.as_str() == "proxy")).count()
    };
    // the entry does not hear: everybody else does
    shop.world.now += time::Duration::seconds(6);
    let told = shop.entry_told.clone();
    shop.agents();
    shop.entry_told = told.map(|_| "old".to_owned());
    shop.pass(usize::MAX);
    assert_eq!(proxies(&shop), 2);
    shop.turn();
    shop.turn();
    assert_eq!(proxies(&shop), 1);
}

#[test]
fn a_surge_is_never_larger_than_the_new_places() {
    let mut shop = Imitation::running();
    shop.scale(2, 2, 5);
    loop {
        let plan = shop.turn();
        assert!(shop.world.instances.len() <= 2 + 9, "{}", shop.world.instances.len());
        if plan.settled && plan.steps.is_empty() {
            break;
        }
        shop.world.now += time::Duration::milliseconds(500);
    }
}

#[test]
fn a_helper_does_not_hold_up_the_first_answer() {
    let mut shop = Imitation::new();
    shop.sick.insert(role("sessions"));
    shop.ask(|service| service.desired = DesiredState::Running);
    shop.turn();
    shop.turn();
    assert_eq!(shop.serving().get(&role("proxy")), Some(&1));
    assert_eq!(shop.state(), ServiceState::Prologue);
    shop.sick.clear();
    shop.settle();
    assert_eq!(shop.state(), ServiceState::Running);
}

#[test]
fn a_user_waits_for_what_it_uses() {
    let mut shop = Imitation::new();
    shop.scale(2, 2, 2);
    shop.sick.insert(role("php"));
    shop.ask(|service| service.desired = DesiredState::Running);
    for _ in 0..5 {
        shop.turn();
    }
    assert_eq!(shop.serving().len(), 1, "only the helper serves: {:?}", shop.serving());
    shop.sick.clear();
    shop.settle();
    assert_eq!(shop.serving().get(&role("proxy")), Some(&2));
}
