//! The managers' logs.

use crate::world::{sql, world};
use aerie_domain::ServiceId;
use aerie_store::LogLevel;
use sqlx::PgPool;
use std::time::Duration;

#[sqlx::test(migrations = "../../migrations")]
async fn lines_come_oldest_first_and_can_be_followed(pool: PgPool) {
    let world = world(pool).await;
    for text in ["one", "two", "three"] {
        world.store.manager_log_append(world.php, LogLevel::Info, text).await.unwrap();
    }
    let mut txn = world.store.begin().await.unwrap();
    txn.manager_log_append(world.php, LogLevel::Error, "four").await.unwrap();
    txn.commit().await.unwrap();

    let texts = |rows: &[aerie_store::ManagerLogRow]| rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>();
    let tail = world.store.manager_log_tail(world.php, 2).await.unwrap();
    assert_eq!(texts(&tail), ["three", "four"]);
    assert_eq!(tail[1].level, LogLevel::Error);
    let after = world.store.manager_log_after(world.php, tail[0].id, 9).await.unwrap();
    assert_eq!(texts(&after), ["four"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_line_for_a_service_that_is_gone_is_no_error(pool: PgPool) {
    let world = world(pool).await;
    world.store.manager_log_append(ServiceId::generate(), LogLevel::Warn, "gone").await.unwrap();
    assert_eq!(world.store.manager_log_tail(world.php, 9).await.unwrap(), []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_log_is_bounded_by_age_and_length(pool: PgPool) {
    let world = world(pool).await;
    for text in ["one", "two", "three", "four"] {
        world.store.manager_log_append(world.php, LogLevel::Info, text).await.unwrap();
    }
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(world.store.manager_log_prune(day, 3).await.unwrap(), 1);
    sql(&world.store, "update manager_log set at = at - interval '2 days' where text = 'two'").await;
    assert_eq!(world.store.manager_log_prune(day, 3).await.unwrap(), 1);
    assert_eq!(world.store.manager_log_tail(world.php, 9).await.unwrap().len(), 2);
}
