//! Services: intent and status.

use crate::world::{instance, new_service, new_version, service, version, world};
use aerie_domain::{DesiredState, ServiceState};
use aerie_store::{ServiceIntent, ServiceStatus, StoreError, Variable};
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn an_intent_comes_back_as_it_was_written(pool: PgPool) {
    let world = world(pool).await;
    let fresh = world.store.service_fetch(world.php).await.unwrap().unwrap();
    assert_eq!((fresh.desired, fresh.state, fresh.generation), (DesiredState::Stopped, ServiceState::Init, 1));

    let mut intent = fresh.intent();
    intent.desired = DesiredState::Running;
    intent.counts.insert("php".parse().unwrap(), 3);
    intent.variables.insert("DB_PASSWORD".to_owned(), Variable { value: "hunter2".to_owned(), secret: true });
    intent.active_version_id = Some(version(&world.store, world.php, "v").await);
    let mut txn = world.store.begin().await.unwrap();
    assert_eq!(txn.service_lock(world.php).await.unwrap(), Some(fresh));
    assert_eq!(txn.service_set_intent(world.php, &intent).await.unwrap(), 2);
    txn.commit().await.unwrap();

    let (row, application, owner) = world.store.service_with_owner(world.php).await.unwrap().unwrap();
    assert_eq!((row.intent(), row.generation), (intent, 2));
    assert_eq!((application, owner.id, owner.name.as_str()), (world.blog, world.ada, "ada"));
    assert!(!format!("{row:?}").contains("hunter2"), "a variable must not get into logs");
}

#[sqlx::test(migrations = "../../migrations")]
async fn deleted_is_final(pool: PgPool) {
    let world = world(pool).await;
    let intent = world.store.service_fetch(world.php).await.unwrap().unwrap().intent();
    let deleted = ServiceIntent { desired: DesiredState::Deleted, ..intent.clone() };
    let mut txn = world.store.begin().await.unwrap();
    assert_eq!(txn.service_set_intent(world.php, &deleted).await.unwrap(), 2);
    assert_eq!(txn.service_set_intent(world.php, &deleted).await.unwrap(), 3);
    let error = txn.service_set_intent(world.php, &intent).await.unwrap_err();
    assert!(matches!(error, StoreError::RowsAffected { expected: 1, actual: 0 }));
}

#[sqlx::test(migrations = "../../migrations")]
async fn broken_constraints_are_named(pool: PgPool) {
    let world = world(pool).await;
    let mut txn = world.store.begin().await.unwrap();
    let error = txn.service_insert(&new_service(world.blog.id, "php", "php")).await.unwrap_err();
    assert_eq!(error.constraint(), Some("services_name_key"));
    drop(txn);

    let mysql = service(&world.store, world.blog.id, "mysql", "mysql").await;
    let mut txn = world.store.begin().await.unwrap();
    let error = txn.service_rename(mysql, &"php".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.constraint(), Some("services_name_key"));
    drop(txn);

    instance(&world.store, world.php).await;
    let mut txn = world.store.begin().await.unwrap();
    let error = txn.service_delete(world.php).await.unwrap_err();
    assert_eq!(error.constraint(), Some("instances_service_id_fkey"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_service_and_its_first_version_may_come_in_either_order(pool: PgPool) {
    let world = world(pool).await;
    let mut new = new_service(world.blog.id, "java", "java");
    let code = new_version(new.id, "code-default");
    new.active_version_id = Some(code.id);

    let mut txn = world.store.begin().await.unwrap();
    txn.service_insert(&new).await.unwrap();
    assert_eq!(txn.version_insert(&code).await.unwrap(), 0);
    txn.commit().await.unwrap();
    assert_eq!(world.store.service_fetch(new.id).await.unwrap().unwrap().active_version_id, Some(code.id));

    let mut lonely = new_service(world.blog.id, "lonely", "java");
    lonely.active_version_id = Some(aerie_domain::CodeVersionId::generate());
    let mut txn = world.store.begin().await.unwrap();
    txn.service_insert(&lonely).await.unwrap();
    let error = txn.commit().await.unwrap_err();
    assert_eq!(error.constraint(), Some("services_active_version_fkey"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_state_is_as_old_as_its_last_change(pool: PgPool) {
    let world = world(pool).await;
    let set = async |state, reason: &str| {
        let status = ServiceStatus { state, reason: reason.to_owned(), observed_generation: 1, failures: 0 };
        let mut txn = world.store.begin().await.unwrap();
        let changed = txn.service_set_status(world.php, &status).await.unwrap();
        txn.commit().await.unwrap();
        (changed, world.store.service_fetch(world.php).await.unwrap().unwrap())
    };
    let (changed, first) = set(ServiceState::Prologue, "").await;
    assert!(changed);
    let (changed, second) = set(ServiceState::Prologue, "instance 1 of 2").await;
    assert!(changed);
    assert_eq!((second.reason.as_str(), second.state_since), ("instance 1 of 2", first.state_since));
    let (changed, third) = set(ServiceState::Prologue, "instance 1 of 2").await;
    assert!(!changed);
    assert_eq!(third, second);
    let (changed, fourth) = set(ServiceState::Running, "").await;
    assert!(changed);
    assert!(fourth.state_since > first.state_since);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_version_served_before_is_remembered(pool: PgPool) {
    let world = world(pool).await;
    let one = version(&world.store, world.php, "one").await;
    let two = version(&world.store, world.php, "two").await;
    let mut txn = world.store.begin().await.unwrap();
    assert!(txn.service_set_serving(world.php, one).await.unwrap());
    assert!(txn.service_set_serving(world.php, two).await.unwrap());
    assert!(!txn.service_set_serving(world.php, two).await.unwrap());
    txn.commit().await.unwrap();
    let row = world.store.service_fetch(world.php).await.unwrap().unwrap();
    assert_eq!((row.serving_version_id, row.previous_version_id), (Some(two), Some(one)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn settled_services_need_no_manager(pool: PgPool) {
    let world = world(pool).await;
    let managed = async || world.store.managed_services().await.unwrap();
    let set = async |state, observed_generation| {
        let status = ServiceStatus { state, reason: String::new(), observed_generation, failures: 0 };
        let mut txn = world.store.begin().await.unwrap();
        txn.service_set_status(world.php, &status).await.unwrap();
        txn.commit().await.unwrap();
    };
    assert_eq!(managed().await, [world.php], "new: nobody has looked at it yet");
    set(ServiceState::Init, 1).await;
    assert_eq!(managed().await, []);
    set(ServiceState::Error, 1).await;
    assert_eq!(managed().await, [world.php], "not where it should be");
    set(ServiceState::Stopped, 1).await;
    assert_eq!(managed().await, []);

    let left = instance(&world.store, world.php).await;
    assert_eq!(managed().await, [world.php], "an instance is left over");
    let mut txn = world.store.begin().await.unwrap();
    txn.instance_retire(left, 0).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(managed().await, []);

    let intent = world.store.service_fetch(world.php).await.unwrap().unwrap().intent();
    let mut txn = world.store.begin().await.unwrap();
    txn.service_set_intent(world.php, &intent).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(managed().await, [world.php], "something new is wanted, even while stopped");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_removed_service_takes_what_belongs_to_it_along(pool: PgPool) {
    let world = world(pool).await;
    let code = version(&world.store, world.php, "code").await;
    let mut intent = world.store.service_fetch(world.php).await.unwrap().unwrap().intent();
    intent.active_version_id = Some(code);
    let mut txn = world.store.begin().await.unwrap();
    txn.service_set_intent(world.php, &intent).await.unwrap();
    txn.service_set_serving(world.php, code).await.unwrap();
    txn.commit().await.unwrap();

    let mut txn = world.store.begin().await.unwrap();
    txn.service_delete(world.php).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(world.store.service_list(world.blog.id).await.unwrap(), []);
    assert!(world.store.blob_digests_in_use().await.unwrap().is_empty());
}
