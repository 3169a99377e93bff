//! Credit: exact, whatever is added up.

use crate::world::{World, user, world};
use aerie_domain::{InstanceId, ServiceId};
use aerie_store::CreditRow;
use sqlx::PgPool;

/// A meter that ran for so many seconds and has ended.
async fn ran(world: &World, price: i64, seconds: f64) -> InstanceId {
    let id = InstanceId::generate();
    sqlx::query(
        "insert into instance_meters (instance_id, owner_id, service_id, price_millis_per_hour, started_at, ended_at)
         values ($1, $2, $3, $4, timestamptz 'epoch', timestamptz 'epoch' + make_interval(secs => $5))",
    )
    .bind(id.0)
    .bind(world.ada.0)
    .bind(ServiceId::generate().0)
    .bind(price)
    .bind(seconds)
    .execute(world.store.pool())
    .await
    .unwrap();
    id
}

#[sqlx::test(migrations = "../../migrations")]
async fn credit_is_what_was_granted_less_price_by_time(pool: PgPool) {
    let world = world(pool).await;
    let credit = async || world.store.user_credit(world.ada).await.unwrap();
    assert_eq!(credit().await, CreditRow { granted_millis: 50_000, spent_millis: 0, per_hour_millis: 0 });

    ran(&world, 1000, 3600.0).await;
    assert_eq!(credit().await.spent_millis, 1000);
    ran(&world, 2000, 5400.0).await;
    assert_eq!(credit().await.spent_millis, 4000);
    assert_eq!(credit().await.balance_millis(), 46_000);

    // 1000 × 1.2 s / 3600 s is a third of a thousandth: three of them are one, not three times nothing.
    for _ in 0..3 {
        ran(&world, 1000, 1.2).await;
    }
    assert_eq!(credit().await.spent_millis, 4001);

    let eve = user(&world.store, "eve").await;
    assert_eq!(world.store.user_credit(eve).await.unwrap().spent_millis, 0, "nobody pays for others");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_running_meter_counts_until_now(pool: PgPool) {
    let world = world(pool).await;
    let id = ran(&world, 500, 0.0).await;
    sqlx::query("update instance_meters set started_at = now() - interval '2 hours', ended_at = null")
        .execute(world.store.pool())
        .await
        .unwrap();
    let credit = world.store.user_credit(world.ada).await.unwrap();
    assert_eq!(credit.per_hour_millis, 500);
    // Two hours and whatever this test takes, which is less than half a minute.
    assert!((1000..1005).contains(&credit.spent_millis), "{credit:?}");
    let costs = world.store.instance_costs(&[id, InstanceId::generate()]).await.unwrap();
    assert_eq!(costs.len(), 1);
    assert_eq!((costs[0].instance_id, costs[0].per_hour_millis), (id, 500));
    assert!((1000..1005).contains(&costs[0].spent_millis));
}

#[sqlx::test(migrations = "../../migrations")]
async fn granted_credit_adds_up(pool: PgPool) {
    let world = world(pool).await;
    let mut txn = world.store.begin().await.unwrap();
    txn.user_grant(world.ada, 10_000).await.unwrap();
    txn.user_grant(world.ada, -500).await.unwrap();
    assert_eq!(txn.user_credit(world.ada).await.unwrap().granted_millis, 59_500);
    txn.commit().await.unwrap();
}
