//! Actions: presses of buttons and what became of them.

use crate::world::{World, instance, world};
use aerie_domain::{ActionRunId, InstanceId, LifeId, views::ActionState};
use aerie_store::{NewActionResult, NewActionRun};
use sqlx::PgPool;

async fn press(world: &World, action: &str, on: &[InstanceId], keep: i64) -> ActionRunId {
    let id = ActionRunId::generate();
    let run = NewActionRun {
        id,
        service_id: world.php,
        action: action.parse().unwrap(),
        values: [("parameters".to_owned(), "ünïcode \"quoted\"".to_owned())].into(),
        actor_id: world.ada,
        on: on
            .iter()
            .map(|instance| NewActionResult {
                instance_id: *instance,
                short: instance.short(),
                role: "web".parse().unwrap(),
                life: LifeId::generate(),
            })
            .collect(),
    };
    let mut txn = world.store.begin().await.unwrap();
    txn.action_run_insert(&run, keep).await.unwrap();
    txn.commit().await.unwrap();
    id
}

async fn set(world: &World, run: ActionRunId, on: InstanceId, state: ActionState, code: Option<i32>) -> bool {
    let mut txn = world.store.begin().await.unwrap();
    let changed = txn.action_result_set(run, on, state, code, "words").await.unwrap();
    txn.commit().await.unwrap();
    changed
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_run_is_open_until_every_instance_has_told_of_its_end(pool: PgPool) {
    let world = world(pool).await;
    let (one, two) = (instance(&world.store, world.php).await, InstanceId::generate());
    let run = press(&world, "run", &[one, two], 10).await;
    let open = world.store.actions_open(world.php).await.unwrap();
    assert_eq!(open.len(), 2);
    assert_eq!((open[0].run_id, open[0].action.as_str(), open[0].state), (run, "run", ActionState::Asked));
    assert_eq!(open[0].values["parameters"], "ünïcode \"quoted\"");

    assert!(set(&world, run, one, ActionState::Running, None).await);
    assert!(set(&world, run, one, ActionState::Ended, Some(3)).await);
    assert!(!set(&world, run, one, ActionState::Lost, None).await, "an end is final");
    assert!(!set(&world, run, InstanceId::generate(), ActionState::Ended, None).await, "nobody asked that one");
    let open = world.store.actions_open(world.php).await.unwrap();
    assert_eq!(open.iter().map(|open| open.instance_id).collect::<Vec<_>>(), [two]);
    assert!(set(&world, run, two, ActionState::Lost, None).await);
    assert!(world.store.actions_open(world.php).await.unwrap().is_empty());

    let results = world.store.action_results(&[run]).await.unwrap();
    let ended = results.iter().find(|result| result.instance_id == one).unwrap();
    assert_eq!((ended.state, ended.code, ended.message.as_str()), (ActionState::Ended, Some(3), "words"));
    assert!(ended.started_at.is_some() && ended.ended_at.is_some());
    let lost = results.iter().find(|result| result.instance_id == two).unwrap();
    assert!(lost.started_at.is_none() && lost.ended_at.is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn lights_are_the_newest_results_and_old_runs_are_forgotten(pool: PgPool) {
    let world = world(pool).await;
    let one = instance(&world.store, world.php).await;
    let stuck = press(&world, "run", &[one], 3).await;
    let mut ended = Vec::new();
    for code in 0..5 {
        let run = press(&world, "other", &[one], 3).await;
        assert!(set(&world, run, one, ActionState::Ended, Some(code)).await);
        ended.push(run);
    }
    let lights = world.store.action_lights(world.php).await.unwrap();
    let light = |action: &str| lights.iter().find(|light| light.action == action).unwrap();
    assert_eq!((lights.len(), light("other").code, light("run").state), (2, Some(4), ActionState::Asked));

    let runs = world.store.action_runs(world.php, None, 10).await.unwrap();
    let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
    assert_eq!(ids, [ended[4], ended[3], ended[2], stuck], "three, and the one that has not ended");
    assert_eq!(runs[0].requested_by.as_deref(), Some("ada"));
    let older = world.store.action_runs(world.php, Some(ended[3]), 1).await.unwrap();
    assert_eq!(older[0].id, ended[2]);
}
