//! What the database says without being asked.

use crate::world::{World, instance, sql, world};
use aerie_agent_protocol::InstanceReport;
use aerie_domain::{DirectorId, views::EventKind};
use aerie_store::{Listener, NewEvent, Signal};
use sqlx::PgPool;
use std::time::Duration;
use tokio::{
    sync::broadcast::{Receiver, error::TryRecvError},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// A listener that is connected.
async fn listen(world: &World) -> (Listener, Receiver<Signal>) {
    let listener = Listener::start(&world.store, &CancellationToken::new());
    let mut signals = listener.subscribe();
    expect(&mut signals, Signal::Resync, Duration::from_secs(10)).await;
    (listener, signals)
}

/// The next signal other than events (which may repeat) is this one, and it comes in time.
async fn expect(signals: &mut Receiver<Signal>, expected: Signal, within: Duration) {
    let begin = Instant::now();
    loop {
        let signal = timeout(within.saturating_sub(begin.elapsed()), signals.recv()).await;
        let signal = signal.unwrap_or_else(|_| panic!("no {expected:?} within {within:?}")).unwrap();
        if signal == expected {
            return;
        }
        assert_eq!(signal, Signal::Events, "unexpected");
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[sqlx::test(migrations = "../../migrations")]
async fn wake_ups_arrive_within_a_second_once_committed(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    let (listener, mut signals) = listen(&world).await;

    let mut txn = world.store.begin().await.unwrap();
    txn.wake_service(world.php).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(signals.try_recv(), Err(TryRecvError::Empty), "nothing has happened yet");
    txn.commit().await.unwrap();
    expect(&mut signals, Signal::Service(world.php), SECOND).await;

    world.store.wake_config(id).await.unwrap();
    expect(&mut signals, Signal::Config(id), SECOND).await;
    let mut txn = world.store.begin().await.unwrap();
    txn.wake_services(&[world.php]).await.unwrap();
    txn.commit().await.unwrap();
    expect(&mut signals, Signal::Service(world.php), SECOND).await;

    listener.stop().await;
    assert!(signals.recv().await.is_err(), "the listener has ended");
}

#[sqlx::test(migrations = "../../migrations")]
async fn agents_wake_their_manager_when_they_have_something_new_to_say(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    let (listener, mut signals) = listen(&world).await;
    let report = InstanceReport { applied_generation: 1, ..InstanceReport::default() };

    let director = DirectorId::generate();
    world.store.instance_connected(id, director).await.unwrap();
    expect(&mut signals, Signal::Service(world.php), SECOND).await;
    world.store.instance_report(id, director, &report).await.unwrap();
    expect(&mut signals, Signal::Service(world.php), SECOND).await;
    // A sign of life wakes nobody: the next signal is the one after it.
    world.store.instance_report(id, director, &report).await.unwrap();
    world.store.wake_config(id).await.unwrap();
    expect(&mut signals, Signal::Config(id), SECOND).await;
    listener.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn readers_are_told_again_when_an_event_can_be_read_at_last(pool: PgPool) {
    let world = world(pool).await;
    let (listener, mut signals) = listen(&world).await;
    let event =
        NewEvent { owner: Some(world.ada), kind: EventKind::Service, application: None, service: None, instance: None };

    // An older transaction that writes no event itself, so that nobody is notified when it ends.
    let mut slow = world.store.begin().await.unwrap();
    slow.user_set_disabled(world.ada, true).await.unwrap();
    let mut txn = world.store.begin().await.unwrap();
    txn.event_append(&event).await.unwrap();
    txn.commit().await.unwrap();
    expect(&mut signals, Signal::Events, SECOND).await;
    assert_eq!(world.store.events_after(world.ada, None, 9).await.unwrap(), []);

    while signals.try_recv().is_ok() {}
    slow.commit().await.unwrap();
    let told = async {
        loop {
            expect(&mut signals, Signal::Events, Duration::from_secs(10)).await;
            if !world.store.events_after(world.ada, None, 9).await.unwrap().is_empty() {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), told).await.unwrap();
    listener.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lost_connection_is_followed_by_a_resync(pool: PgPool) {
    let world = world(pool).await;
    let (listener, mut signals) = listen(&world).await;
    sql(
        &world.store,
        "select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'",
    )
    .await;
    expect(&mut signals, Signal::Resync, Duration::from_secs(10)).await;
    world.store.wake_service(world.php).await.unwrap();
    expect(&mut signals, Signal::Service(world.php), SECOND).await;
    listener.stop().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_listener_ends_with_its_token(pool: PgPool) {
    let world = world(pool).await;
    let cancel = CancellationToken::new();
    let listener = Listener::start(&world.store, &cancel);
    let mut signals = listener.subscribe();
    expect(&mut signals, Signal::Resync, Duration::from_secs(10)).await;
    cancel.cancel();
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.store.wake_service(world.php).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(signals.try_recv(), Err(TryRecvError::Empty), "it still listens");
    timeout(SECOND, listener.stop()).await.unwrap();
}
