//! What instances show as their cost.

use crate::world::{ran, sql, world};
use aerie_domain::InstanceId;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn a_running_meter_counts_until_now(pool: PgPool) {
    let world = world(pool).await;
    let id = ran(&world, 500, 0.0).await;
    sql(&world.store, "update instance_meters set started_at = now() - interval '2 hours', ended_at = null").await;
    let credit = world.store.user_credit(world.ada).await.unwrap();
    assert_eq!(credit.per_hour_millis, 500);
    let costs = world.store.instance_costs(&[id, InstanceId::generate()]).await.unwrap();
    assert_eq!(costs.len(), 1);
    assert_eq!((costs[0].instance_id, costs[0].per_hour_millis), (id, 500));
    // Two hours and whatever this test takes, which is less than half a minute.
    assert!((1000..1005).contains(&costs[0].spent_millis));
    sql(&world.store, "update instance_meters set started_at = now() + interval '1 hour'").await;
    assert_eq!(world.store.instance_costs(&[id]).await.unwrap()[0].spent_millis, 0, "never below nothing");
}
