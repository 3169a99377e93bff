//! What administrators look through and write.

use crate::world::{application, service, sql, user, world};
use aerie_domain::{AnnouncementId, DirectorId};
use aerie_store::{AuditFilter, DirectorHealth, NewAnnouncement, NewAudit};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

#[sqlx::test(migrations = "../../migrations")]
async fn people_and_applications_are_found_by_any_part(pool: PgPool) {
    let world = world(pool).await;
    let bob = user(&world.store, "bob").await;
    let wiki = application(&world.store, bob, "wiki").await;
    service(&world.store, wiki.id, "php", "php").await;
    sql(&world.store, "update services set desired = 'running'").await;
    let names = async |text: &str, after: Option<&str>| {
        let rows = world.store.user_list(None, text, after, 10).await.unwrap();
        rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    assert_eq!(names("", None).await, ["ada", "bob"]);
    assert_eq!(names("", Some("ada")).await, ["bob"]);
    assert_eq!(names("BOB@EXAMPLE", None).await, ["bob"]);
    assert_eq!(names("%", None).await, [""; 0]);
    let row = world.store.user_list(Some(bob), "", None, 1).await.unwrap().remove(0);
    assert_eq!((row.balance_micros, row.applications, row.running), (50_000_000, 1, 1));
    let found = world.store.application_list_all(None, "bob", None, 10).await.unwrap();
    assert_eq!(
        found.iter().map(|(row, owner)| (row.name.as_str(), owner.as_str())).collect::<Vec<_>>(),
        [("wiki", "bob")]
    );
    assert_eq!(world.store.application_list_all(Some(world.ada), "", None, 10).await.unwrap().len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_locked_account_changes_once(pool: PgPool) {
    let world = world(pool).await;
    let mut txn = world.store.begin().await.unwrap();
    assert!(txn.user_set_disabled(world.ada, true).await.unwrap());
    assert!(!txn.user_set_disabled(world.ada, true).await.unwrap());
    assert!(txn.user_set_disabled(world.ada, false).await.unwrap());
    txn.commit().await.unwrap();
    assert_eq!(world.store.user_fetch(world.ada).await.unwrap().unwrap().disabled_at, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_audit_log_is_filtered_and_paged(pool: PgPool) {
    let world = world(pool).await;
    let mut txn = world.store.begin().await.unwrap();
    for (action, target) in
        [("service.start", "service blog/php"), ("service.stop", "service blog/php"), ("user.login", "login")]
    {
        let audit = NewAudit {
            actor: Some(world.ada),
            via: "session".into(),
            address: "192.0.2.7".into(),
            action: action.into(),
            target: target.into(),
            detail: serde_json::json!({"note": "Because"}),
        };
        txn.audit_append(&audit).await.unwrap();
    }
    txn.commit().await.unwrap();
    let list = async |filter: AuditFilter, before| world.store.audit_list(&filter, before, 2).await.unwrap();
    let all = list(AuditFilter::default(), None).await;
    assert_eq!(all.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["user.login", "service.stop"]);
    assert_eq!(list(AuditFilter::default(), Some(all[1].id)).await.len(), 1);
    let of = |actor: &str, action: &str, text: &str| AuditFilter {
        actor: actor.into(),
        action: action.into(),
        text: text.into(),
    };
    assert_eq!(list(of("ada", "service.st", "BLOG"), None).await.len(), 2);
    assert_eq!(list(of("", "", "because"), None).await.len(), 2);
    assert_eq!(list(of("", "", "192.0.2.7"), None).await[0].actor.as_deref(), Some("ada"));
    assert!(list(of("eve", "", ""), None).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn announcements_are_shown_in_their_time(pool: PgPool) {
    let world = world(pool).await;
    let now = OffsetDateTime::now_utc();
    let mut txn = world.store.begin().await.unwrap();
    let ids = [AnnouncementId::generate(), AnnouncementId::generate()];
    for (id, from) in [(ids[0], None), (ids[1], Some(now + Duration::HOUR))] {
        let new = NewAnnouncement {
            id,
            text: "Hello".into(),
            from_at: from,
            until_at: now + Duration::DAY,
            actor: world.ada,
        };
        txn.announcement_insert(&new).await.unwrap();
    }
    txn.commit().await.unwrap();
    let shown = async |coming| {
        world.store.announcements(coming).await.unwrap().into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(shown(false).await, [ids[0]]);
    assert_eq!(shown(true).await, ids);
    sql(&world.store, "update announcements set from_at = now() - interval '2 h', until_at = now() - interval '1 h'")
        .await;
    assert!(shown(true).await.is_empty());
    assert_eq!(world.store.announcements_prune(std::time::Duration::from_secs(60)).await.unwrap(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn directors_tell_how_they_are(pool: PgPool) {
    let world = world(pool).await;
    let id = DirectorId::generate();
    let mut health = DirectorHealth {
        queue_waiting: 3,
        queue_running: 1,
        cloud: "docker".into(),
        cloud_problem: String::new(),
        cloud_ping_ms: 4,
        containers: 7,
        disk_free_bytes: 5_000_000_000,
        disk_total_bytes: 9_000_000_000,
    };
    world.store.director_note_health(id, &health).await.unwrap();
    assert!(world.store.director_list().await.unwrap().is_empty(), "nothing before its heartbeat");
    world.store.director_heartbeat(id, 7070).await.unwrap();
    assert_eq!(world.store.director_list().await.unwrap()[0].health, None);
    world.store.director_note_health(id, &health).await.unwrap();
    health.cloud_problem = "no answer".into();
    world.store.director_note_health(id, &health).await.unwrap();
    world.store.lease_take(world.php, id).await.unwrap().unwrap();
    let row = world.store.director_list().await.unwrap().remove(0);
    assert_eq!((row.leases, row.health.map(|(_, health)| health)), (1, Some(health)));

    let work = world.store.work().await.unwrap();
    assert_eq!((work.services, work.wanted, work.unsettled, work.unmanaged), (1, 0, 1, 0));
    sql(&world.store, "update services set state = 'ERROR', reason = 'no disk', failures = 2").await;
    let failing = world.store.failing_services(10).await.unwrap();
    assert_eq!((failing[0].owner.as_str(), failing[0].reason.as_str(), failing[0].failures), ("ada", "no disk", 2));
}
