//! Credit: grants, charges, levels, and what the database refuses.

use crate::world::{World, ran, sql, user, world};
use aerie_domain::{BootId, CreditLevel, UserId};
use aerie_store::{ClockReading, CreditRow, NewGrant, Store};
use sqlx::PgPool;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

const MINUTE: Duration = Duration::from_secs(60);

fn boot() -> BootId {
    BootId(sqlx::types::Uuid::nil())
}

/// A reading of one machine's clocks at a time.
fn reading(wall: OffsetDateTime) -> ClockReading {
    ClockReading { machine: boot(), uptime: Duration::from_secs(1000), wall, taken: Instant::now() }
}

async fn charge(store: &Store) -> i64 {
    let now = store.database_now().await.unwrap();
    store.charge(&reading(now), MINUTE).await.unwrap().micros
}

async fn credit(world: &World) -> CreditRow {
    world.store.user_credit(world.ada).await.unwrap()
}

async fn grant(store: &Store, user: UserId, micros: i64, reason: &str) {
    let mut txn = store.begin().await.unwrap();
    txn.ledger_grant(&NewGrant { user, micros, reason: reason.to_owned(), actor: Some(user) }).await.unwrap();
    txn.commit().await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_ran_is_charged_once_to_its_owner(pool: PgPool) {
    let world = world(pool).await;
    let eve = user(&world.store, "eve").await;
    assert_eq!(credit(&world).await.balance_micros, 50_000_000);
    ran(&world, 1000, 3600.0).await;
    ran(&world, 2000, 5400.0).await;
    // A third of a thousandth of a credit, three times, is rounded down only below a millionth.
    for _ in 0..3 {
        ran(&world, 1000, 1.2).await;
    }
    assert_eq!(charge(&world.store).await, 1_000_000 + 3_000_000 + 3 * 333);
    assert_eq!(charge(&world.store).await, 0, "nothing twice");
    assert_eq!(credit(&world).await.balance_micros, 50_000_000 - 4_000_999);
    assert_eq!(world.store.user_credit(eve).await.unwrap().balance_micros, 50_000_000, "nobody pays for others");

    let entries = world.store.ledger_entries(world.ada, None, 3).await.unwrap();
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| !entry.is_grant && entry.label.as_deref() == Some("blog/php")), "{entries:?}");
    let rest = world.store.ledger_entries(world.ada, Some(entries[2].id), 10).await.unwrap();
    assert_eq!(rest.len(), 3, "two charges and the grant");
    let first = &rest[2];
    assert_eq!((first.is_grant, first.micros, first.reason.as_str()), (true, 50_000_000, "Initial credit"));
    let days = world.store.ledger_days(world.ada, OffsetDateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!(days.iter().map(|day| (day.label.as_str(), day.micros)).collect::<Vec<_>>(), [("blog/php", 4_000_999)]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn whole_minutes_are_booked_while_it_runs_and_the_rest_at_its_end(pool: PgPool) {
    let world = world(pool).await;
    ran(&world, 1000, 0.0).await;
    sql(&world.store, "update instance_meters set ended_at = null").await;
    let at = |seconds: i64| {
        let wall = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds);
        let uptime = Duration::from_secs(u64::try_from(seconds).unwrap());
        ClockReading { machine: boot(), uptime, wall, taken: Instant::now() }
    };
    let charge = async |seconds| world.store.charge(&at(seconds), MINUTE).await.unwrap().micros;
    assert_eq!(charge(59).await, 0);
    assert_eq!(charge(60).await, 16_666);
    assert_eq!(charge(119).await, 0);
    assert_eq!(charge(185).await, 33_334, "rounding does not add up");
    sql(&world.store, "update instance_meters set ended_at = timestamptz 'epoch' + interval '190.5 s'").await;
    assert_eq!(charge(200).await, 52_916 - 50_000);
    assert_eq!(charge(4000).await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn levels_are_shares_of_what_there_was_after_the_last_grant(pool: PgPool) {
    let world = world(pool).await;
    let level = async || credit(&world).await.level;
    let told = async || {
        let mut txn = world.store.begin().await.unwrap();
        let told = txn.ledger_levels_to_tell().await.unwrap();
        txn.commit().await.unwrap();
        told
    };
    assert_eq!((level().await, told().await), (CreditLevel::Fine, vec![]));
    ran(&world, 1000, 39.99 * 3600.0).await;
    charge(&world.store).await;
    assert_eq!((level().await, told().await), (CreditLevel::Fine, vec![]));
    ran(&world, 1000, 36.0).await;
    charge(&world.store).await;
    assert_eq!(told().await, [(world.ada, CreditLevel::Low)]);
    assert_eq!(told().await, [], "once");
    ran(&world, 1000, 7.5 * 3600.0).await;
    charge(&world.store).await;
    assert_eq!(told().await, [(world.ada, CreditLevel::VeryLow)]);
    assert!(world.store.services_without_credit().await.unwrap().is_empty());
    ran(&world, 1000, 2.5 * 3600.0).await;
    charge(&world.store).await;
    assert_eq!(told().await, [(world.ada, CreditLevel::UsedUp)]);
    assert_eq!(credit(&world).await.balance_micros, 0);
    sql(&world.store, "update services set desired = 'running'").await;
    assert_eq!(world.store.services_without_credit().await.unwrap(), [world.php]);

    grant(&world.store, world.ada, 10_000_000, "for the second sheet").await;
    assert_eq!(credit(&world).await.allowance_micros, 10_000_000);
    assert_eq!(told().await, [(world.ada, CreditLevel::Fine)]);
    assert!(world.store.services_without_credit().await.unwrap().is_empty());
    let entry = &world.store.ledger_entries(world.ada, None, 1).await.unwrap()[0];
    assert_eq!((entry.reason.as_str(), entry.actor.as_deref()), ("for the second sheet", Some("ada")));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_database_refuses_what_no_ledger_may_hold(pool: PgPool) {
    let world = world(pool).await;
    let one = ran(&world, 1000, 3600.0).await;
    charge(&world.store).await;
    let account = "(select id from ledger_accounts where user_id is not null)";
    let used = "(select id from ledger_accounts where kind = 'used')";
    let new =
        "insert into ledger_bookings (at, kind, user_id) select now(), 'charge', id from users limit 1 returning id";
    let entries = "insert into ledger_entries (booking_id, account_id, amount_micros, instance_id, from_ms, until_ms)";
    let refused = [
        // does not balance
        format!("with b as ({new}) {entries} select id, {account}, -5, null, null, null from b"),
        format!("with b as ({new}) select id from b"),
        // an entry for a booking of another transaction
        format!("{entries} select max(id), {account}, -5, null, null, null from ledger_bookings"),
        // the same time of the same instance again
        format!(
            "with b as ({new}) {entries}
             select id, {account}, -5, '{one}'::uuid, 0, 7 from b union all select id, {used}, 5, null::uuid, null, null from b"
        ),
        // credit for having used something
        format!(
            "with b as ({new}) {entries}
             select id, {account}, 5, '{one}'::uuid, 7, 9 from b union all select id, {used}, -5, null::uuid, null, null from b"
        ),
        "update ledger_entries set amount_micros = 1".to_owned(),
        "update ledger_bookings set reason = ''".to_owned(),
        "delete from ledger_entries".to_owned(),
        "delete from ledger_bookings".to_owned(),
        "truncate ledger_entries".to_owned(),
        "delete from users".to_owned(),
    ];
    for statement in refused {
        let error = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(world.store.pool()).await;
        let Err(error) = error else { panic!("not refused: {statement}") };
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
        assert!(code.starts_with("23"), "an integrity constraint should refuse this, not {error}: {statement}");
    }
    assert_eq!(credit(&world).await.balance_micros, 49_000_000);
}
