//! Runs of the load generator: one per user, few at a time, none for ever.

use crate::world::{World, sql, user, world};
use aerie_domain::{
    DirectorId, LoadRunId, UserId,
    views::{LoadRunResult, LoadRunState},
};
use aerie_store::{LoadRunLimits, NewLoadRun, StoreError};
use sqlx::PgPool;
use std::time::Duration;

const LIMITS: LoadRunLimits = LoadRunLimits { at_once: 2, lost_after: Duration::from_secs(15) };

async fn start(world: &World, owner: UserId) -> Result<Option<LoadRunId>, StoreError> {
    let run = NewLoadRun {
        id: LoadRunId::generate(),
        service_id: world.php,
        owner_id: owner,
        director_id: DirectorId::generate(),
        rate: 100,
        seconds: 10,
        path: "/".to_owned(),
    };
    let mut txn = world.store.begin().await?;
    let room = txn.load_run_insert(&run, LIMITS).await?;
    txn.commit().await?;
    Ok(room.then_some(run.id))
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_per_user_and_few_for_all(pool: PgPool) {
    let world = world(pool).await;
    let (bob, eve) = (user(&world.store, "bob").await, user(&world.store, "eve").await);
    let run = start(&world, world.ada).await.unwrap().unwrap();
    assert_eq!(start(&world, world.ada).await.unwrap_err().constraint(), Some("load_runs_open_key"));
    start(&world, bob).await.unwrap().unwrap();
    assert_eq!(start(&world, eve).await.unwrap(), None, "no room");

    let result = LoadRunResult { sent: 7, statuses: [(200, 7)].into(), ..LoadRunResult::default() };
    world.store.load_run_end(run, LoadRunState::Done, "", &result).await.unwrap();
    let row = world.store.load_run_fetch(run, world.ada).await.unwrap().unwrap();
    assert_eq!((row.state, row.result), (LoadRunState::Done, result));
    assert_eq!(world.store.load_run_fetch(run, bob).await.unwrap(), None, "somebody else's");
    start(&world, eve).await.unwrap().unwrap();
    assert_eq!(world.store.load_run_list(world.php, 2).await.unwrap().len(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_run_is_told_to_stop_by_its_owner_only(pool: PgPool) {
    let world = world(pool).await;
    let bob = user(&world.store, "bob").await;
    let run = start(&world, world.ada).await.unwrap().unwrap();
    let nothing = LoadRunResult::default();
    assert!(!world.store.load_run_cancel(run, bob).await.unwrap());
    assert!(world.store.load_run_note(run, &nothing).await.unwrap());
    assert!(world.store.load_run_cancel(run, world.ada).await.unwrap());
    assert!(!world.store.load_run_note(run, &nothing).await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_run_ends_with_its_director(pool: PgPool) {
    let world = world(pool).await;
    let run = start(&world, world.ada).await.unwrap().unwrap();
    world.store.load_runs_tidy(LIMITS, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(world.store.load_run_fetch(run, world.ada).await.unwrap().unwrap().state, LoadRunState::Running);
    sql(&world.store, "update load_runs set updated_at = now() - interval '16 seconds'").await;
    start(&world, world.ada).await.unwrap().unwrap();
    let row = world.store.load_run_fetch(run, world.ada).await.unwrap().unwrap();
    assert_eq!(row.state, LoadRunState::Failed);
    assert!(row.error.contains("director") && row.ended_at.is_some(), "{row:?}");
    assert!(!world.store.load_run_note(run, &row.result).await.unwrap(), "a frozen director that wakes up stops");
    sql(&world.store, "update load_runs set ended_at = now() - interval '2 hours' where ended_at is not null").await;
    world.store.load_runs_tidy(LIMITS, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(world.store.load_run_fetch(run, world.ada).await.unwrap(), None, "forgotten");
}
