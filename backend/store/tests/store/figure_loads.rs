//! Figures of kinds: written, added up and forgotten with the rest of the load.

use crate::world::{World, instance, sql, world};
use aerie_domain::{InstanceId, ServiceId};
use aerie_store::{FigureLoad, FigureLoadRow};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

fn told(instance: InstanceId, total: f64) -> FigureLoad {
    FigureLoad { instance_id: instance, role: "store".parse().unwrap(), name: "keys".to_owned(), total, samples: 2 }
}

async fn read(world: &World, step_s: u32) -> Vec<FigureLoadRow> {
    let now = OffsetDateTime::now_utc();
    let (from, to) = (now - Duration::hours(50), now + Duration::MINUTE);
    world.store.figure_loads(world.php, step_s, from, to).await.unwrap()
}

fn sums(rows: &[FigureLoadRow]) -> (f64, u64) {
    (rows.iter().map(|row| row.total).sum(), rows.iter().map(|row| row.samples).sum())
}

#[sqlx::test(migrations = "../../migrations")]
async fn figures_of_one_slot_add_up_and_the_newest_are_found(pool: PgPool) {
    let world = world(pool).await;
    let (id, gone) = (instance(&world.store, world.php).await, InstanceId::generate());
    for _ in 0..2 {
        world.store.loads_record(&[], &[], &[told(id, 10.0), told(gone, 1.0)]).await.unwrap();
    }
    let rows = read(&world, 5).await;
    assert_eq!(sums(&rows), (20.0, 4), "and nothing of an instance that is gone: {rows:?}");
    let now = world.store.figures_now(&[world.php, ServiceId::generate()]).await.unwrap();
    assert_eq!((now.len(), now[0].instance_id, now[0].name.as_str()), (1, id, "keys"));
    sql(&world.store, "delete from instances").await;
    assert_eq!(world.store.figures_now(&[world.php]).await.unwrap(), [], "what is gone tells nothing of now");
    assert_eq!(sums(&read(&world, 5).await), (20.0, 4), "but of what was");
}

#[sqlx::test(migrations = "../../migrations")]
async fn figures_of_half_a_minute_ago_are_none_of_now(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    world.store.loads_record(&[], &[], &[told(id, 10.0)]).await.unwrap();
    sql(&world.store, "update figure_loads set at = at - interval '1 minute'").await;
    assert_eq!(world.store.figures_now(&[world.php]).await.unwrap(), [], "old numbers mislead");
}

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_is_lost_at_any_resolution_until_it_is_old(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    sqlx::query(
        "insert into figure_loads
         select $1, 5, date_bin('5 seconds', now(), 'epoch') - n * interval '5 seconds', $2, 'store', 'keys', 6, 2
           from generate_series(1, 3600) as n",
    )
    .bind(world.php.0)
    .bind(id.0)
    .execute(world.store.pool())
    .await
    .unwrap();
    for round in 0..3 {
        for step_s in [60, 900] {
            assert_eq!(sums(&read(&world, step_s).await), (21_600.0, 7200), "{round} {step_s}");
        }
        assert!(world.store.loads_keep().await.unwrap());
    }
    assert!(read(&world, 5).await.len() < 725, "an hour of the finest");

    sql(&world.store, "update figure_loads set at = at - interval '15 days'").await;
    world.store.loads_keep().await.unwrap();
    assert_eq!(read(&world, 900).await, []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn requests_per_second_are_those_of_all_instances(pool: PgPool) {
    let world = world(pool).await;
    for _ in 0..2 {
        let id = instance(&world.store, world.php).await;
        sqlx::query(
            "insert into role_loads
             select $1, 5, date_bin('5 seconds', now(), 'epoch') - n * interval '5 seconds', $2, 'web', 5000, 10, 0, 0, 0, 0,
                    '{}', '{}'
               from generate_series(0, 1) as n",
        )
        .bind(world.php.0)
        .bind(id.0)
        .execute(world.store.pool())
        .await
        .unwrap();
    }
    let rows = world.store.requests_now(&[(world.php, "web".parse().unwrap())]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!((rows[0].per_second - 4.0).abs() < 0.001, "{rows:?}");
}
