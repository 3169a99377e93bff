//! Buttons: tasks reach instances, and what came of them is kept.

use super::imitation::{Imitation, life, role};
use crate::{step::Step, world::OpenAction};
use aerie_agent_protocol::{TaskProgress, TaskReport};
use aerie_domain::{ActionRunId, DesiredState, InstanceId, ServiceState, views::ActionState};
use aerie_kinds::Kinds;
use std::{collections::BTreeMap, path::Path};

fn running() -> Imitation {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates");
    let kinds = Kinds::load(&folder).unwrap();
    let mut service = Imitation::of(kinds.get("generic").unwrap().clone());
    service.ask(|service| service.desired = DesiredState::Running);
    service.settle();
    service.ask(|service| {
        service.counts.insert(role("node"), 1);
    });
    service.settle();
    assert_eq!(service.state(), ServiceState::Running);
    service
}

/// Somebody presses a button; the run's id.
fn press(service: &mut Imitation, instance: InstanceId, action: &str) -> ActionRunId {
    let run = ActionRunId::generate();
    service.world.actions.push(OpenAction {
        run,
        action: action.parse().unwrap(),
        values: BTreeMap::from([("parameters".to_owned(), "a b".to_owned())]),
        instance,
        role: role("node"),
        life: life(&service.containers[&instance].seen, instance),
        state: ActionState::Asked,
    });
    run
}

fn tell(service: &mut Imitation, id: ActionRunId, progress: TaskProgress) {
    service.tasks.retain(|task| task.id != id);
    service.tasks.push(TaskReport { id, progress });
}

fn ended(code: i32) -> TaskProgress {
    TaskProgress::Ended { code: Some(code), message: format!("ended with exit code {code}") }
}

#[test]
fn a_press_becomes_a_task_and_its_end_is_kept() {
    let mut service = running();
    let node = service.world.instances[1].id;
    let before = service.world.instances[1].config_generation;
    let run = press(&mut service, node, "run");
    tell(&mut service, run, TaskProgress::Running);
    service.settle();
    let row = &service.world.instances[1];
    assert_eq!(row.config_generation, before + 1, "one configuration more");
    let task = &row.config.as_ref().unwrap().tasks[0];
    assert_eq!((task.id, task.name.as_str()), (run, "run"));
    assert_eq!(task.environment["ACTION_PARAMETERS"], "a b");
    assert_eq!(service.world.actions[0].state, ActionState::Running);
    assert_eq!(service.world.instances[0].config.as_ref().unwrap().tasks, [], "others know nothing of it");

    tell(&mut service, run, ended(3));
    service.settle();
    assert!(service.world.actions.is_empty() && service.ended.contains(&(run, node)));
    let row = &service.world.instances[1];
    assert_eq!(row.config_generation, before + 1, "an end is no reason for another configuration");
    service.check_fixpoint();

    let next = press(&mut service, node, "run");
    tell(&mut service, next, ended(0));
    service.settle();
    let tasks = &service.world.instances[1].config.as_ref().unwrap().tasks;
    assert_eq!(tasks.iter().map(|task| task.id).collect::<Vec<_>>(), [next], "the ended one has left");
}

#[test]
fn tasks_alone_do_not_make_a_service_adapt() {
    let mut service = running();
    let node = service.world.instances[1].id;
    let run = press(&mut service, node, "run");
    for turn in 0..6 {
        let plan = service.turn();
        assert!(!plan.steps.iter().any(|step| matches!(step, Step::SetStatus(_))), "turn {turn}: {:?}", plan.steps);
        if turn == 3 {
            tell(&mut service, run, ended(0));
        }
    }
    assert!(service.ended.contains(&(run, node)));
}

#[test]
fn what_runs_is_lost_with_its_container_its_instance_and_its_service() {
    let mut service = running();
    let node = service.world.instances[1].id;
    let first = press(&mut service, node, "run");
    tell(&mut service, first, TaskProgress::Running);
    service.settle();
    service.losses = true;
    service.kill(1);
    service.settle();
    assert!(service.ended.contains(&(first, node)), "the container ended");
    assert_eq!(service.state(), ServiceState::Running, "and is back");

    // Asked for in an earlier life: nobody may start it now.
    let second = press(&mut service, node, "run");
    service.world.actions[0].life = aerie_domain::LifeId::generate();
    service.settle();
    assert!(service.ended.contains(&(second, node)));

    let third = press(&mut service, node, "run");
    tell(&mut service, third, TaskProgress::Running);
    service.ask(|service| {
        service.counts.insert(role("node"), 0);
    });
    service.settle();
    assert!(service.ended.contains(&(third, node)), "the instance was removed");

    let master = service.world.instances[0].id;
    let fourth = press(&mut service, master, "run");
    tell(&mut service, fourth, TaskProgress::Running);
    service.settle();
    service.ask(|service| service.desired = DesiredState::Stopped);
    service.settle();
    assert!(service.ended.contains(&(fourth, master)), "the service was stopped");
}
