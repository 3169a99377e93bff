//! Load: written in batches, added up without loss, forgotten in time.

use crate::world::{World, instance, sql, world};
use aerie_domain::{InstanceId, Times};
use aerie_store::{InstanceLoad, InstanceLoadRow, RoleLoad, RoleLoadRow};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

fn used(instance: InstanceId, cpu_ms: u64, sent: Option<u64>) -> InstanceLoad {
    InstanceLoad {
        instance_id: instance,
        covered_ms: 2000,
        cpu_ms,
        memory_bytes: 5_000_000_000,
        memory_limit_bytes: 8_000_000_000,
        received_bytes: None,
        sent_bytes: sent,
    }
}

fn did(instance: InstanceId, micros: &[u64]) -> RoleLoad {
    let mut times = Times::default();
    for micros in micros {
        times.record(*micros);
    }
    RoleLoad {
        instance_id: instance,
        role: "web".parse().unwrap(),
        covered_ms: 2000,
        requests: times.total(),
        client_errors: 0,
        errors: 1,
        queue: 2,
        sessions: 3,
        times,
    }
}

/// Everything of the last hours, of slots of at most `step_s`.
async fn read(world: &World, step_s: u32) -> (Vec<InstanceLoadRow>, Vec<RoleLoadRow>) {
    let now = OffsetDateTime::now_utc();
    let (from, to) = (now - Duration::hours(50), now + Duration::MINUTE);
    let used = world.store.instance_loads(world.php, step_s, from, to).await.unwrap();
    (used, world.store.role_loads(world.php, step_s, from, to).await.unwrap())
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_batches_of_one_slot_add_up_and_nobody_is_left_out(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    let gone = InstanceId::generate();
    for _ in 0..2 {
        let instances = [used(id, 500, Some(10)), used(gone, 1, None)];
        world.store.loads_record(&instances, &[did(id, &[1000, 9000]), did(gone, &[1])], &[]).await.unwrap();
    }
    let (instances, roles) = read(&world, 5).await;
    // Usually one slot; two when a slot ended in between.
    assert_eq!(instances.iter().map(|row| row.cpu_ms).sum::<u64>(), 1000);
    assert_eq!(instances.iter().filter_map(|row| row.sent_bytes).sum::<u64>(), 20);
    assert!(instances.iter().all(|row| row.instance_id == id && row.received_bytes.is_none()));
    let mut times = Times::default();
    for row in &roles {
        times.merge(&row.times);
    }
    assert_eq!((times.total(), roles.iter().map(|row| row.errors).sum::<u64>()), (4, 2));

    let usages = world.store.usages(world.php).await.unwrap();
    assert_eq!(usages.len(), 1);
    assert_eq!((usages[0].cpu_millis, usages[0].memory_bytes), (250, 5_000_000_000));
    sql(&world.store, "update instance_loads set at = at - interval '1 minute'").await;
    assert_eq!(world.store.usages(world.php).await.unwrap(), [], "old numbers mislead");
}

/// Five hours of slots, of an instance that answers ten requests in each: nine fast, one slow.
async fn history(world: &World, id: InstanceId) {
    for statement in [
        "insert into instance_loads
         select $1, 5, date_bin('5 seconds', now(), 'epoch') - n * interval '5 seconds', $2, 5000, 2500, n, 100, 10, null
           from generate_series(1, 3600) as n",
        "insert into role_loads
         select $1, 5, date_bin('5 seconds', now(), 'epoch') - n * interval '5 seconds', $2, 'web', 5000, 10, 0, 1, n % 7, 1,
                '{40,60}', '{9,1}'
           from generate_series(1, 3600) as n",
    ] {
        sqlx::query(statement).bind(world.php.0).bind(id.0).execute(world.store.pool()).await.unwrap();
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_is_lost_or_counted_twice_at_any_resolution(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    history(&world, id).await;
    for round in 0..3 {
        for step_s in [5, 60, 900] {
            let (instances, roles) = read(&world, step_s).await;
            let mut times = Times::default();
            for row in &roles {
                times.merge(&row.times);
            }
            // After the first round the finest slots go back an hour only.
            if round == 0 || step_s > 5 {
                assert_eq!(instances.iter().map(|row| row.cpu_ms).sum::<u64>(), 9_000_000, "{round} {step_s}");
                assert_eq!(roles.iter().map(|row| row.requests).sum::<u64>(), 36_000, "{round} {step_s}");
                assert_eq!(times.buckets().collect::<Vec<_>>(), [(40, 32_400), (60, 3600)], "{round} {step_s}");
                assert!(instances.iter().map(|row| row.memory_bytes).max() == Some(3600), "the most is kept");
                assert!(instances.iter().all(|row| row.sent_bytes.is_none()), "not measured stays so");
            } else {
                assert!((715..=721).contains(&instances.len()), "an hour: {}", instances.len());
            }
        }
        assert!(world.store.loads_keep().await.unwrap());
    }
    let (minutes, _) = read(&world, 60).await;
    let (quarters, _) = read(&world, 900).await;
    assert!((300..320).contains(&minutes.len()), "five hours of minutes, and the newest slots: {}", minutes.len());
    assert!(quarters.len() < 60, "five hours of quarters, then minutes, then slots: {}", quarters.len());
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_clock_set_back_does_not_spoil_what_is_kept(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    history(&world, id).await;
    world.store.loads_keep().await.unwrap();
    // By the clock of then there is a minute that has not come yet by the clock of now.
    sql(&world.store, "delete from instance_loads where step_s = 60 and at > now() - interval '4 minutes'").await;
    sql(
        &world.store,
        "insert into instance_loads
         select service_id, 60, date_bin('1 minute', now(), 'epoch') + interval '1 hour', instance_id, 1, 1, 1, 1, 1, 1
           from instance_loads limit 1",
    )
    .await;
    world.store.loads_keep().await.unwrap();
    let minutes: i64 = sqlx::query_scalar(
        "select count(*) from instance_loads where step_s = 60 and at between now() - interval '4 minutes' and now()",
    )
    .fetch_one(world.store.pool())
    .await
    .unwrap();
    assert!((2..=3).contains(&minutes), "the last minutes were added up all the same: {minutes}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn old_load_is_forgotten_and_a_service_takes_its_own_along(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    history(&world, id).await;
    world.store.loads_keep().await.unwrap();
    sql(&world.store, "update instance_loads set at = at - interval '15 days'").await;
    sql(&world.store, "update role_loads set at = at - interval '15 days'").await;
    world.store.loads_keep().await.unwrap();
    assert_eq!(read(&world, 900).await, (Vec::new(), Vec::new()));

    world.store.loads_record(&[used(id, 1, None)], &[did(id, &[5])], &[]).await.unwrap();
    sql(&world.store, "delete from instances").await;
    let mut txn = world.store.begin().await.unwrap();
    txn.service_delete(world.php).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(read(&world, 5).await, (Vec::new(), Vec::new()));
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_directors_do_not_wait_for_each_other(pool: PgPool) {
    let world = world(pool).await;
    let mut other = world.store.pool().begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('aerie_loads', 0))").execute(&mut *other).await.unwrap();
    assert!(!world.store.loads_keep().await.unwrap());
    other.commit().await.unwrap();
    assert!(world.store.loads_keep().await.unwrap());
}
