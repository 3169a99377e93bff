//! Operations and how newer ones replace older ones.

use crate::world::{World, service, sql, user, world};
use aerie_domain::{OperationId, OperationKind, OperationState, ServiceId};
use aerie_store::NewOperation;
use sqlx::PgPool;
use std::time::Duration;

async fn ask(world: &World, service: ServiceId, kind: OperationKind, generation: i64) -> OperationId {
    let id = OperationId::generate();
    let mut txn = world.store.begin().await.unwrap();
    txn.operation_insert(&NewOperation {
        id,
        service_id: service,
        owner_id: world.ada,
        kind,
        target_generation: generation,
        actor_id: Some(world.ada),
    })
    .await
    .unwrap();
    txn.commit().await.unwrap();
    id
}

async fn states(world: &World, ids: &[OperationId]) -> Vec<OperationState> {
    let mut states = Vec::new();
    for id in ids {
        states.push(world.store.operation_fetch(*id, world.ada).await.unwrap().unwrap().state);
    }
    states
}

#[sqlx::test(migrations = "../../migrations")]
async fn scale_activate_and_configure_replace_their_own_kind_only(pool: PgPool) {
    let world = world(pool).await;
    let start = ask(&world, world.php, OperationKind::Start, 2).await;
    let scale = ask(&world, world.php, OperationKind::Scale, 3).await;
    let configure = ask(&world, world.php, OperationKind::Configure, 4).await;
    let again = ask(&world, world.php, OperationKind::Scale, 5).await;
    assert_eq!(
        states(&world, &[start, scale, configure, again]).await,
        [OperationState::Pending, OperationState::Superseded, OperationState::Pending, OperationState::Pending]
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn start_stop_and_delete_replace_everything_open_of_their_service(pool: PgPool) {
    let world = world(pool).await;
    let mysql = service(&world.store, world.blog.id, "mysql", "mysql").await;
    let other = ask(&world, mysql, OperationKind::Start, 2).await;
    for (generation, kind) in (2..).zip([OperationKind::Start, OperationKind::Stop, OperationKind::Delete]) {
        let scale = ask(&world, world.php, OperationKind::Scale, generation).await;
        let activate = ask(&world, world.php, OperationKind::Activate, generation).await;
        let newest = ask(&world, world.php, kind, generation).await;
        assert_eq!(
            states(&world, &[scale, activate, newest, other]).await,
            [OperationState::Superseded, OperationState::Superseded, OperationState::Pending, OperationState::Pending],
            "{kind}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn operations_end_with_their_generation_and_never_change_again(pool: PgPool) {
    let world = world(pool).await;
    let start = ask(&world, world.php, OperationKind::Start, 2).await;
    let scale = ask(&world, world.php, OperationKind::Scale, 3).await;

    let mut txn = world.store.begin().await.unwrap();
    assert_eq!(txn.operations_progress(world.php, "instance 1 of 2 healthy").await.unwrap(), 2);
    assert_eq!(txn.operations_progress(world.php, "instance 1 of 2 healthy").await.unwrap(), 0);
    assert_eq!(txn.operations_finish(world.php, 2).await.unwrap(), 1);
    txn.commit().await.unwrap();
    assert_eq!(states(&world, &[start, scale]).await, [OperationState::Done, OperationState::Running]);

    let mut txn = world.store.begin().await.unwrap();
    assert_eq!(txn.operations_fail(world.php, 3, "no room").await.unwrap(), 1);
    assert_eq!(txn.operations_finish(world.php, 3).await.unwrap(), 0);
    txn.commit().await.unwrap();
    let row = world.store.operation_fetch(scale, world.ada).await.unwrap().unwrap();
    assert_eq!((row.state, row.error.as_str()), (OperationState::Failed, "no room"));
    assert_eq!((row.progress.as_str(), row.requested_by.as_str()), ("instance 1 of 2 healthy", "ada"));
    assert!(row.ended_at.is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_nobody_finishes_is_ended_with_a_reason(pool: PgPool) {
    let world = world(pool).await;
    let start = ask(&world, world.php, OperationKind::Start, 2).await;
    let half_hour = Duration::from_secs(1800);
    assert_eq!(world.store.operations_end_overdue(half_hour, "Not done.").await.unwrap(), 0);
    let mut txn = world.store.begin().await.unwrap();
    assert_eq!(txn.operations_give_up(world.php, half_hour, "no engine").await.unwrap(), 0);
    txn.operations_progress(world.php, "instance 1 of 2 healthy").await.unwrap();
    txn.commit().await.unwrap();

    sql(&world.store, "update operations set created_at = now() - interval '31 minutes'").await;
    sql(&world.store, "update services set reason = 'no room'").await;
    let scale = ask(&world, world.php, OperationKind::Scale, 3).await;
    let before = world.store.events_head().await.unwrap();
    assert_eq!(world.store.operations_end_overdue(half_hour, "Not done.").await.unwrap(), 1);
    let row = world.store.operation_fetch(start, world.ada).await.unwrap().unwrap();
    assert_eq!((row.state, row.error.as_str()), (OperationState::Failed, "Not done. instance 1 of 2 healthy no room"));
    // Events are held back while any older transaction of the whole cluster, another test's too, is still open.
    let mut events = Vec::new();
    for _ in 0..100 {
        events = world.store.events_after(world.ada, Some(before), 9).await.unwrap();
        if !events.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(events.last().map(|event| event.service_id), Some(Some(world.php)), "its owner is told");
    assert_eq!(states(&world, &[scale]).await, [OperationState::Pending], "younger ones go on");

    sql(&world.store, "update operations set created_at = now() - interval '31 minutes'").await;
    let mut txn = world.store.begin().await.unwrap();
    assert_eq!(txn.operations_give_up(world.php, half_hour, "no engine").await.unwrap(), 1);
    txn.commit().await.unwrap();
    assert_eq!(world.store.operation_fetch(scale, world.ada).await.unwrap().unwrap().error, "no engine");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_newest_is_the_one_with_the_highest_generation_whatever_the_clock_said(pool: PgPool) {
    let world = world(pool).await;
    let scale = ask(&world, world.php, OperationKind::Scale, 3).await;
    // an id that was made an hour later, by a clock that has been set back since
    ask(&world, world.php, OperationKind::Start, 2).await;
    assert_eq!(world.store.operation_latest(world.php).await.unwrap().unwrap().id, scale);
}

#[sqlx::test(migrations = "../../migrations")]
async fn lists_are_newest_first_and_other_people_see_nothing(pool: PgPool) {
    let world = world(pool).await;
    let eve = user(&world.store, "eve").await;
    let one = ask(&world, world.php, OperationKind::Start, 2).await;
    let two = ask(&world, world.php, OperationKind::Scale, 3).await;
    let three = ask(&world, world.php, OperationKind::Configure, 4).await;

    let ids = |rows: Vec<aerie_store::OperationRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(world.store.operation_list(world.php, None, 2).await.unwrap()), [three, two]);
    assert_eq!(ids(world.store.operation_list(world.php, Some(two), 2).await.unwrap()), [one]);
    assert_eq!(ids(world.store.operations_of_owner(world.ada, None, 9).await.unwrap()), [three, two, one]);
    assert_eq!(ids(world.store.operations_of_owner(eve, None, 9).await.unwrap()), []);
    assert_eq!(world.store.operation_latest(world.php).await.unwrap().unwrap().id, three);
    assert_eq!(world.store.operation_fetch(one, eve).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_operation_outlives_its_service(pool: PgPool) {
    let world = world(pool).await;
    let delete = ask(&world, world.php, OperationKind::Delete, 2).await;
    let mut txn = world.store.begin().await.unwrap();
    txn.service_delete(world.php).await.unwrap();
    txn.operations_finish(world.php, 2).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(states(&world, &[delete]).await, [OperationState::Done]);
}
