//! The outbox: in order, and nothing skipped.

use crate::world::{World, eventually, sql, user, world};
use aerie_domain::{UserId, views::EventKind};
use aerie_store::{EventCursor, NewEvent, Txn};
use sqlx::PgPool;
use std::time::Duration;

async fn append(world: &World, txn: &mut Txn<'_>, kind: EventKind, owner: UserId) {
    let event = NewEvent { owner: Some(owner), kind, application: Some(world.blog.id), service: None, instance: None };
    txn.event_append(&event).await.unwrap();
}

async fn happen(world: &World, kind: EventKind, owner: UserId) {
    let mut txn = world.store.begin().await.unwrap();
    append(world, &mut txn, kind, owner).await;
    txn.commit().await.unwrap();
}

async fn kinds(world: &World, after: Option<EventCursor>) -> Vec<EventKind> {
    let rows = world.store.events_after(world.ada, after, 100).await.unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_event_that_was_begun_first_and_committed_last_is_not_skipped(pool: PgPool) {
    let world = world(pool).await;
    let mut slow = world.store.begin().await.unwrap();
    append(&world, &mut slow, EventKind::Application, world.ada).await;
    happen(&world, EventKind::Service, world.ada).await;

    // The second has a higher id and is committed. Reading it now would move the reader past the first.
    assert_eq!(kinds(&world, None).await, []);
    assert!(world.store.events_pending().await.unwrap());
    slow.commit().await.unwrap();
    eventually(vec![EventKind::Application, EventKind::Service], || kinds(&world, None)).await;
    assert!(!world.store.events_pending().await.unwrap());

    let first = world.store.events_after(world.ada, None, 1).await.unwrap().remove(0);
    assert_eq!(first.application_id, Some(world.blog.id));
    assert_eq!(kinds(&world, Some(first.cursor)).await, [EventKind::Service]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn events_of_one_transaction_keep_their_order_and_others_events_stay_theirs(pool: PgPool) {
    let world = world(pool).await;
    let eve = user(&world.store, "eve").await;
    let mut txn = world.store.begin().await.unwrap();
    append(&world, &mut txn, EventKind::Operation, world.ada).await;
    append(&world, &mut txn, EventKind::Instance, eve).await;
    append(&world, &mut txn, EventKind::Service, world.ada).await;
    txn.commit().await.unwrap();
    eventually(vec![EventKind::Operation, EventKind::Service], || kinds(&world, None)).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_reader_that_begins_at_the_head_gets_what_comes_after(pool: PgPool) {
    let world = world(pool).await;
    happen(&world, EventKind::Application, world.ada).await;
    eventually(vec![EventKind::Application], || kinds(&world, None)).await;
    let head = world.store.events_head().await.unwrap();
    assert_eq!(kinds(&world, Some(head)).await, []);
    happen(&world, EventKind::Service, world.ada).await;
    eventually(vec![EventKind::Service], || kinds(&world, Some(head))).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_reader_that_was_away_too_long_is_told(pool: PgPool) {
    let world = world(pool).await;
    for kind in [EventKind::Application, EventKind::Service, EventKind::Instance] {
        happen(&world, kind, world.ada).await;
    }
    eventually(3, || async { kinds(&world, None).await.len() }).await;
    let rows = world.store.events_after(world.ada, None, 9).await.unwrap();
    let missed = async |index: usize| world.store.events_missed(rows[index].cursor).await.unwrap();
    assert!(!missed(0).await);

    sql(&world.store, "update events set at = at - interval '2 days' where kind <> 'instance'").await;
    assert_eq!(world.store.events_prune(Duration::from_secs(24 * 3600)).await.unwrap(), 2);
    assert!(missed(0).await, "the second one was forgotten before it was read");
    assert!(!missed(2).await);
}

#[test]
fn positions_are_read_as_they_are_written() {
    let cursor = EventCursor { transaction: 1234, id: 56 };
    assert_eq!(cursor.to_string(), "1234-56");
    assert_eq!("1234-56".parse(), Ok(cursor));
    for nonsense in ["", "12", "a-b", "1-", "-1", "1-2-3", "99999999999999999999-1"] {
        assert!(nonsense.parse::<EventCursor>().is_err(), "{nonsense}");
    }
}
