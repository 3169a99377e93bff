//! Who manages a service.

use crate::world::{instance, sql, world};
use aerie_domain::{DirectorId, ServiceId};
use aerie_store::StoreError;
use sqlx::PgPool;
use std::time::Duration;

const OVER: &str = "update service_leases set expires_at = now() - interval '1 second'";

#[sqlx::test(migrations = "../../migrations")]
async fn a_holder_renews_and_others_wait(pool: PgPool) {
    let world = world(pool).await;
    let (here, there) = (DirectorId::generate(), DirectorId::generate());
    let lease = world.store.lease_take(world.php, here).await.unwrap().unwrap();
    assert_eq!((lease.service, lease.holder, lease.epoch), (world.php, here, 1));
    assert_eq!(world.store.lease_take(world.php, there).await.unwrap(), None);
    assert_eq!(world.store.lease_take(world.php, here).await.unwrap(), Some(lease.clone()));

    // The same director after a long pause, when nobody else came: still its lease, still the same epoch.
    sql(&world.store, OVER).await;
    let error = world.store.begin_fenced(&lease).await.unwrap_err();
    assert!(matches!(error, StoreError::LostLease));
    assert_eq!(world.store.lease_take(world.php, here).await.unwrap(), Some(lease));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lease_from_before_the_clock_was_set_back_is_over(pool: PgPool) {
    let world = world(pool).await;
    let (here, there) = (DirectorId::generate(), DirectorId::generate());
    let old = world.store.lease_take(world.php, here).await.unwrap().unwrap();
    sql(&world.store, "update service_leases set expires_at = now() + interval '1 hour'").await;
    let (new, now) = world.store.lease_take_at(world.php, there).await.unwrap().expect("nobody waits for an hour");
    assert_eq!(new.epoch, old.epoch + 1);
    assert!((time::OffsetDateTime::now_utc() - now).abs() < time::Duration::seconds(10), "the database's time: {now}");
    assert!(matches!(world.store.begin_fenced(&old).await.unwrap_err(), StoreError::LostLease));
}

#[sqlx::test(migrations = "../../migrations")]
async fn after_a_takeover_the_former_holder_can_change_nothing(pool: PgPool) {
    let world = world(pool).await;
    let (here, there) = (DirectorId::generate(), DirectorId::generate());
    let old = world.store.lease_take(world.php, here).await.unwrap().unwrap();
    world.store.begin_fenced(&old).await.unwrap().commit().await.unwrap();

    sql(&world.store, OVER).await;
    let new = world.store.lease_take(world.php, there).await.unwrap().unwrap();
    assert_eq!(new.epoch, old.epoch + 1);
    assert!(matches!(world.store.begin_fenced(&old).await.unwrap_err(), StoreError::LostLease));
    world.store.lease_release(&old).await.unwrap();
    world.store.begin_fenced(&new).await.unwrap().commit().await.unwrap();

    // Back to the first director: a lease of its own, but not the one it had.
    sql(&world.store, OVER).await;
    let again = world.store.lease_take(world.php, here).await.unwrap().unwrap();
    assert_eq!(again.epoch, 3);
    assert!(matches!(world.store.begin_fenced(&old).await.unwrap_err(), StoreError::LostLease));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_takeover_waits_for_a_transaction_that_has_begun(pool: PgPool) {
    let world = world(pool).await;
    let (here, there) = (DirectorId::generate(), DirectorId::generate());
    let lease = world.store.lease_take(world.php, here).await.unwrap().unwrap();
    sql(&world.store, "update service_leases set expires_at = now() + interval '1 second'").await;
    let txn = world.store.begin_fenced(&lease).await.unwrap();

    tokio::time::sleep(Duration::from_millis(1100)).await;
    let takeover = tokio::spawn({
        let (store, service) = (world.store.clone(), world.php);
        async move { store.lease_take(service, there).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!takeover.is_finished(), "the lease was taken under an open transaction");
    txn.commit().await.unwrap();
    assert_eq!(takeover.await.unwrap().unwrap().unwrap().epoch, 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_released_lease_can_be_taken_at_once(pool: PgPool) {
    let world = world(pool).await;
    let (here, there) = (DirectorId::generate(), DirectorId::generate());
    let lease = world.store.lease_take(world.php, here).await.unwrap().unwrap();
    world.store.lease_release(&lease).await.unwrap();
    assert!(matches!(world.store.begin_fenced(&lease).await.unwrap_err(), StoreError::LostLease));
    let lease = world.store.lease_take(world.php, there).await.unwrap().unwrap();
    assert_eq!(lease.epoch, 2);

    world.store.leases_release_all(there).await.unwrap();
    assert_eq!(world.store.lease_take(world.php, here).await.unwrap().unwrap().epoch, 3);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_service_that_is_gone_cannot_be_leased(pool: PgPool) {
    let world = world(pool).await;
    let director = DirectorId::generate();
    assert_eq!(world.store.lease_take(ServiceId::generate(), director).await.unwrap(), None);

    let lease = world.store.lease_take(world.php, director).await.unwrap().unwrap();
    let mut txn = world.store.begin_fenced(&lease).await.unwrap();
    txn.service_delete(world.php).await.unwrap();
    txn.commit().await.unwrap();
    assert!(matches!(world.store.begin_fenced(&lease).await.unwrap_err(), StoreError::LostLease));
    assert_eq!(world.store.lease_take(world.php, director).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn agents_of_a_director_that_vanished_count_as_not_connected(pool: PgPool) {
    let world = world(pool).await;
    let (here, there) = (DirectorId::generate(), DirectorId::generate());
    let (one, two) = (instance(&world.store, world.php).await, instance(&world.store, world.php).await);
    for (director, instance) in [(here, one), (there, two)] {
        world.store.director_heartbeat(director, 7070).await.unwrap();
        assert!(world.store.instance_connected(instance, director).await.unwrap());
    }
    sql(&world.store, "update directors set last_seen_at = now() - interval '5 minutes'").await;
    let minute = Duration::from_secs(60);
    assert!(world.store.director_agent_ports(minute).await.unwrap().is_empty(), "nobody calls a dead one");
    world.store.director_heartbeat(here, 7071).await.unwrap();
    assert_eq!(world.store.director_agent_ports(minute).await.unwrap(), [7071]);
    assert_eq!(world.store.director_count_hearing(minute).await.unwrap(), 0, "it was silent just now");
    sql(&world.store, "update directors set resumed_at = now() - interval '1 minute' where resumed_at is not null")
        .await;
    assert_eq!(world.store.director_count_hearing(minute).await.unwrap(), 1);

    assert_eq!(world.store.director_count(minute).await.unwrap(), 1);
    assert_eq!(world.store.directors_prune(minute).await.unwrap(), 1);
    assert_eq!(world.store.instance_fetch(one).await.unwrap().unwrap().connected_to, Some(here));
    assert_eq!(world.store.instance_fetch(two).await.unwrap().unwrap().connected_to, None);

    world.store.director_remove(here).await.unwrap();
    assert_eq!(world.store.director_count(minute).await.unwrap(), 0);
    assert_eq!(world.store.instance_fetch(one).await.unwrap().unwrap().connected_to, None);
}
