//! Random histories of a service whose data is on several instances. The imitation checks with every step that no two
//! instances are in one slot, that no two containers have one volume, and that volumes go only with their service.

use super::imitation::{Imitation, role};
use aerie_domain::{DesiredState, ServiceState};
use proptest::prelude::*;
use time::Duration;

#[derive(Debug, Clone)]
enum Happening {
    Start,
    Stop,
    Scale(u32, u32),
    Variable(u32),
    Restart,
    Kill(usize),
    KillAll,
    Vanish(usize),
    Silence(usize),
    FailRuns(u32),
    Sick(&'static str),
    Well,
    CutPass(usize),
    Turn,
    Wait(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => Just(Happening::Start),
        1 => Just(Happening::Stop),
        5 => (1_u32..3, 1_u32..6).prop_map(|(a, b)| Happening::Scale(a, b)),
        2 => (0_u32..3).prop_map(Happening::Variable),
        1 => Just(Happening::Restart),
        2 => (0_usize..9).prop_map(Happening::Kill),
        1 => Just(Happening::KillAll),
        1 => (0_usize..9).prop_map(Happening::Vanish),
        1 => (0_usize..9).prop_map(Happening::Silence),
        1 => (0_u32..4).prop_map(Happening::FailRuns),
        1 => prop_oneof![Just("front"), Just("data")].prop_map(Happening::Sick),
        1 => Just(Happening::Well),
        6 => (0_usize..12).prop_map(Happening::CutPass),
        8 => Just(Happening::Turn),
        4 => (1_u32..90_000).prop_map(Happening::Wait),
    ]
}

fn happens(shop: &mut Imitation, happening: &Happening) {
    match *happening {
        Happening::Start => shop.ask(|service| service.desired = DesiredState::Running),
        Happening::Stop => shop.ask(|service| service.desired = DesiredState::Stopped),
        Happening::Scale(front, data) => shop.scale_database(front, data),
        Happening::Variable(value) => shop.set_variable(value),
        Happening::Restart => shop.restart(),
        Happening::Kill(index) => {
            if index < shop.world.instances.len() {
                shop.kill(index);
            }
        }
        Happening::KillAll => (0..shop.world.instances.len()).for_each(|index| shop.kill(index)),
        Happening::Vanish(index) => {
            if let Some(row) = shop.world.instances.get(index) {
                shop.containers.remove(&row.id);
            }
        }
        Happening::Silence(index) => {
            if let Some(row) = shop.world.instances.get(index) {
                shop.silent.insert(row.id);
            }
        }
        Happening::FailRuns(count) => shop.fail_runs = count,
        Happening::Sick(name) => {
            shop.sick.insert(role(name));
        }
        Happening::Well => shop.sick.clear(),
        Happening::CutPass(limit) => {
            shop.agents();
            shop.pass(limit);
        }
        Happening::Turn => {
            shop.turn();
        }
        Happening::Wait(millis) => shop.world.now += Duration::milliseconds(i64::from(millis)),
    }
}

/// Found by the property below: its instance was on its way out to be replaced, without handing anything over.
#[test]
fn a_slot_that_is_given_up_while_it_is_replaced_comes_back_to_hand_over() {
    use Happening::{CutPass, Restart, Scale, Sick, Start, Turn, Well};
    let mut shop = Imitation::database();
    let before = [Start, Sick("data"), Turn, Scale(1, 2), Turn, CutPass(2), CutPass(1), Well];
    for happening in before.into_iter().chain([Restart, CutPass(1), Scale(1, 1), CutPass(7)]) {
        happens(&mut shop, &happening);
    }
    shop.sick.clear();
    shop.settle();
    assert_eq!((shop.slots(), shop.world.service.slots_kept), (vec![0], 1));
    assert_eq!(shop.undrained, [0].into());
}

proptest! {
    #[test]
    fn data_stays_in_its_slots_whatever_happens(history in prop::collection::vec(happening(), 0..50), end in 0..3) {
        let mut shop = Imitation::database();
        for happening in history {
            happens(&mut shop, &happening);
        }
        // the world heals
        shop.sick.clear();
        shop.silent.clear();
        shop.fail_runs = 0;
        match end {
            0 => {
                shop.ask(|service| service.desired = DesiredState::Running);
                shop.settle();
                prop_assert_eq!(shop.state(), ServiceState::Running);
                let wanted = shop.world.service.counts[&role("data")];
                prop_assert_eq!(shop.slots(), (0..wanted).collect::<Vec<_>>());
                prop_assert_eq!(shop.serving().get(&role("data")).copied(), Some(wanted as usize));
                let elsewhere: Vec<u32> = shop.undrained.iter().copied().filter(|slot| *slot >= wanted).collect();
                prop_assert!(elsewhere.is_empty(), "data is left in slots {:?}", elsewhere);
                prop_assert_eq!(shop.containers.len(), shop.world.instances.len());
                prop_assert!(shop.is_new(), "something was left as it was before");
                shop.world.now += Duration::seconds(70);
                shop.settle();
                shop.check_fixpoint();
            }
            1 => {
                let volumes = shop.volumes.clone();
                shop.ask(|service| service.desired = DesiredState::Stopped);
                shop.settle();
                prop_assert!(shop.containers.is_empty() && shop.world.instances.is_empty());
                prop_assert!(volumes.is_subset(&shop.volumes));
                shop.check_fixpoint();
            }
            _ => {
                shop.ask(|service| service.desired = DesiredState::Deleted);
                shop.settle();
                prop_assert!(shop.deleted && shop.containers.is_empty() && shop.volumes.is_empty());
            }
        }
        prop_assert!(shop.world.operation.is_none());
    }
}
