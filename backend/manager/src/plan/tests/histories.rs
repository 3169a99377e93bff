//! Random histories: whatever happens, in whatever order, and wherever a pass is cut off, it converges.

use super::imitation::{Imitation, role};
use crate::world::Image;
use aerie_domain::{DesiredState, ServiceState};
use proptest::prelude::*;
use time::Duration;

#[derive(Debug, Clone)]
enum Happening {
    Start,
    Stop,
    Scale(u32, u32, u32),
    Activate(usize),
    Variable(u32),
    Attach(Option<bool>),
    Restart,
    Kill(usize),
    Vanish(usize),
    Silence(usize),
    FailRuns(u32),
    Sick(&'static str),
    ImageGone,
    ImageBack,
    /// A pass of which only so many steps are done.
    CutPass(usize),
    /// Passes without agents.
    Pass,
    /// Passes with agents.
    Turn,
    Wait(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => Just(Happening::Start),
        1 => Just(Happening::Stop),
        4 => (1_u32..3, 1_u32..3, 1_u32..5).prop_map(|(a, b, c)| Happening::Scale(a, b, c)),
        2 => (0_usize..3).prop_map(Happening::Activate),
        3 => (0_u32..3).prop_map(Happening::Variable),
        2 => prop::option::of(any::<bool>()).prop_map(Happening::Attach),
        1 => Just(Happening::Restart),
        2 => (0_usize..9).prop_map(Happening::Kill),
        1 => (0_usize..9).prop_map(Happening::Vanish),
        1 => (0_usize..9).prop_map(Happening::Silence),
        1 => (0_u32..4).prop_map(Happening::FailRuns),
        1 => prop_oneof![Just("php"), Just("web"), Just("proxy"), Just("sessions")].prop_map(Happening::Sick),
        1 => Just(Happening::ImageGone),
        1 => Just(Happening::ImageBack),
        6 => (0_usize..12).prop_map(Happening::CutPass),
        3 => Just(Happening::Pass),
        6 => Just(Happening::Turn),
        4 => (1_u32..9000).prop_map(Happening::Wait),
    ]
}

/// What may stay as it is for ever.
fn broken() -> impl Strategy<Value = Happening> {
    prop_oneof![
        prop_oneof![Just("php"), Just("web"), Just("proxy"), Just("sessions")].prop_map(Happening::Sick),
        (0_usize..9).prop_map(Happening::Silence),
        (0_usize..9).prop_map(Happening::Kill),
        Just(Happening::FailRuns(u32::MAX)),
        Just(Happening::ImageGone),
    ]
}

fn happens(shop: &mut Imitation, happening: &Happening) {
    match *happening {
        Happening::Start => shop.ask(|service| service.desired = DesiredState::Running),
        Happening::Stop => shop.ask(|service| service.desired = DesiredState::Stopped),
        Happening::Scale(a, b, c) => shop.scale(a, b, c),
        Happening::Activate(index) => {
            let id = shop.world.versions[index].spec.id;
            shop.ask(|service| service.active = Some(id));
        }
        Happening::Variable(value) => shop.set_variable(value),
        Happening::Attach(read_only) => shop.attach(read_only),
        Happening::Restart => shop.restart(),
        Happening::Kill(index) => {
            if index < shop.world.instances.len() {
                shop.kill(index);
            }
        }
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
        Happening::ImageGone => shop.world.image = Image::Building("step 1".into()),
        Happening::ImageBack => shop.world.image = Image::Ready("aerie/php:1".into()),
        Happening::CutPass(limit) => {
            shop.agents();
            shop.pass(limit);
        }
        Happening::Pass => {
            shop.pass(usize::MAX);
        }
        Happening::Turn => {
            shop.turn();
        }
        Happening::Wait(millis) => shop.world.now += Duration::milliseconds(i64::from(millis)),
    }
}

proptest! {
    #[test]
    fn whatever_happens_it_converges(history in prop::collection::vec(happening(), 0..40), entry: bool, end in 0..3) {
        let mut shop = Imitation::new();
        if entry {
            shop = shop.with_entry();
        }
        shop.add_version(1);
        shop.add_version(2);
        for happening in history {
            happens(&mut shop, &happening);
        }
        // the world heals
        shop.sick.clear();
        shop.silent.clear();
        shop.fail_runs = 0;
        shop.world.image = Image::Ready("aerie/php:1".into());
        match end {
            0 => {
                shop.ask(|service| service.desired = DesiredState::Running);
                shop.settle();
                prop_assert_eq!(shop.state(), ServiceState::Running);
                prop_assert_eq!(shop.world.service.serving, shop.world.service.active);
                let counts = shop.world.service.counts.clone();
                for (role, count) in counts {
                    prop_assert_eq!(shop.serving().get(&role).copied(), Some(count as usize), "{}", role);
                }
                prop_assert_eq!(shop.containers.len(), shop.world.instances.len());
                prop_assert!(shop.is_new(), "something was left as it was before");
                shop.world.now += Duration::seconds(70);
                shop.settle();
                shop.check_fixpoint();
            }
            1 => {
                shop.ask(|service| service.desired = DesiredState::Stopped);
                shop.settle();
                prop_assert!(shop.containers.is_empty() && shop.world.instances.is_empty());
                shop.check_fixpoint();
            }
            _ => {
                shop.ask(|service| service.desired = DesiredState::Deleted);
                shop.settle();
                prop_assert!(shop.deleted && shop.containers.is_empty());
                prop_assert!(shop.volumes.iter().all(|volume| volume.contains("-volume-")), "people's volumes stay");
            }
        }
        prop_assert!(shop.world.operation.is_none());
        if end < 2 {
            prop_assert_eq!(shop.world.service.status.observed_generation, shop.world.service.generation);
        }
    }

    /// Whatever stays broken: nobody waits for an answer for ever.
    #[test]
    fn every_request_ends_even_when_nothing_heals(
        history in prop::collection::vec(happening(), 0..30),
        broken in prop::collection::vec(broken(), 0..4),
        last in 0..4,
    ) {
        let mut shop = Imitation::new().with_entry();
        shop.add_version(1);
        shop.add_version(2);
        for happening in history {
            happens(&mut shop, &happening);
        }
        for happening in &broken {
            happens(&mut shop, happening);
        }
        match last {
            0 => shop.ask(|service| service.desired = DesiredState::Running),
            1 => shop.ask(|service| service.desired = DesiredState::Stopped),
            2 => shop.ask(|service| service.desired = DesiredState::Deleted),
            _ => {
                shop.world.kind = None;
                shop.ask(|service| service.desired = DesiredState::Running);
            }
        }
        // an image that is being built has a limit of its own, which ends with a reason
        if matches!(shop.world.image, Image::Building(_)) {
            let retry_at = shop.world.now + Duration::days(1);
            shop.world.image = Image::Failed { reason: "no answer within 30 minutes".into(), retry_at };
        }
        let begun = shop.world.now;
        while shop.world.operation.is_some() && !shop.deleted {
            prop_assert!(shop.world.now - begun < Duration::minutes(20), "{:?}", shop.world.service.status);
            shop.turn();
            shop.world.now += Duration::seconds(5);
        }
        prop_assert!(shop.failed.iter().all(|reason| !reason.trim().is_empty()), "a failure says why");
    }

    /// Settings, restarts and counts that change at any moment, and directors that die: never fewer serve than did before or
    /// are wanted (the imitation checks it with every pass), nobody is sent to what has ended, and it ends.
    #[test]
    fn replacing_is_never_felt(
        counts in (1_u32..3, 1_u32..3, 1_u32..4),
        changes in prop::collection::vec((0_u32..6, 0_usize..25, prop::option::of(0_usize..3)), 1..6),
    ) {
        let mut shop = Imitation::new().with_entry();
        shop.scale(counts.0, counts.1, counts.2);
        shop.ask(|service| service.desired = DesiredState::Running);
        shop.settle();
        for (change, turns, cut) in changes {
            match change {
                0 => shop.restart(),
                1 => shop.scale(counts.0, counts.1, counts.2 + 1),
                4 => shop.attach(Some(false)),
                5 => shop.attach(None),
                value => shop.set_variable(value),
            }
            for _ in 0..turns {
                shop.agents();
                shop.pass_killed(cut.unwrap_or(usize::MAX));
                shop.check_no_dangling();
                shop.world.now += Duration::milliseconds(700);
            }
        }
        shop.settle();
        shop.check_no_dangling();
        prop_assert_eq!(shop.state(), ServiceState::Running);
        prop_assert!(shop.is_new());
    }

    /// While only counts change, nobody is ever sent to a process that has ended.
    #[test]
    fn scaling_never_leaves_anybody_with_a_dead_member(
        scales in prop::collection::vec((1_u32..3, 1_u32..3, 1_u32..5, 0_usize..30), 1..6),
    ) {
        let mut shop = Imitation::running().with_entry();
        for (a, b, c, turns) in scales {
            shop.scale(a, b, c);
            for _ in 0..turns {
                let places = 1 + (a + b + c) as usize;
                let before = shop.world.instances.len();
                shop.turn();
                shop.check_no_dangling();
                prop_assert!(shop.world.instances.len() <= before + places);
                shop.world.now += Duration::milliseconds(400);
            }
        }
        shop.settle();
        shop.check_no_dangling();
        prop_assert_eq!(shop.state(), ServiceState::Running);
    }
}
