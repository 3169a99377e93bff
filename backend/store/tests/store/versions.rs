//! Code versions.

use crate::world::{instance, new_version, service, version, world};
use aerie_store::StoreError;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn numbers_count_per_service_from_the_default(pool: PgPool) {
    let world = world(pool).await;
    let java = service(&world.store, world.blog.id, "java", "java").await;
    let mut txn = world.store.begin().await.unwrap();
    let mut numbers = Vec::new();
    for (service, name) in
        [(world.php, "code-default"), (world.php, "a.zip"), (java, "code-default"), (world.php, "b.zip")]
    {
        numbers.push(txn.version_insert(&new_version(service, name)).await.unwrap());
    }
    txn.commit().await.unwrap();
    assert_eq!(numbers, [0, 1, 0, 2]);

    let names = |rows: Vec<aerie_store::VersionRow>| rows.into_iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names(world.store.version_list(world.php, None, 9).await.unwrap()), ["b.zip", "a.zip", "code-default"]);
    assert_eq!(names(world.store.version_list(world.php, Some(2), 1).await.unwrap()), ["a.zip"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_active_version_cannot_be_removed(pool: PgPool) {
    let world = world(pool).await;
    let (kept, gone) = (version(&world.store, world.php, "kept").await, version(&world.store, world.php, "gone").await);
    let mut intent = world.store.service_fetch(world.php).await.unwrap().unwrap().intent();
    intent.active_version_id = Some(kept);
    let mut txn = world.store.begin().await.unwrap();
    txn.service_set_intent(world.php, &intent).await.unwrap();
    txn.version_delete(world.php, gone).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(world.store.version_fetch(world.php, gone).await.unwrap(), None);

    let mut txn = world.store.begin().await.unwrap();
    let error = txn.version_delete(world.php, kept).await.unwrap_err();
    assert_eq!(error.constraint(), Some("services_active_version_fkey"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_version_is_found_under_its_own_service_only(pool: PgPool) {
    let world = world(pool).await;
    let java = service(&world.store, world.blog.id, "java", "java").await;
    let code = version(&world.store, world.php, "code").await;
    assert!(world.store.version_fetch(world.php, code).await.unwrap().is_some());
    assert_eq!(world.store.version_fetch(java, code).await.unwrap(), None);
    assert_eq!(world.store.versions_fetch(java, &[code]).await.unwrap(), []);
    assert_eq!(world.store.versions_fetch(world.php, &[code]).await.unwrap().len(), 1);
    let mut txn = world.store.begin().await.unwrap();
    let error = txn.version_delete(java, code).await.unwrap_err();
    assert!(matches!(error, StoreError::RowsAffected { actual: 0, .. }));
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_instance_may_fetch_its_own_services_code_only(pool: PgPool) {
    let world = world(pool).await;
    let java = service(&world.store, world.blog.id, "java", "java").await;
    version(&world.store, world.php, "code").await;
    let (own, other) = (instance(&world.store, world.php).await, instance(&world.store, java).await);
    let digest = "normalised digest of code";
    assert!(world.store.version_for_instance(own, digest).await.unwrap());
    assert!(!world.store.version_for_instance(other, digest).await.unwrap());
    assert!(!world.store.version_for_instance(own, "digest of code").await.unwrap());

    let used = world.store.blob_digests_in_use().await.unwrap();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["digest of code", digest]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_the_check_said_is_kept(pool: PgPool) {
    let world = world(pool).await;
    let code = version(&world.store, world.php, "code").await;
    let mut txn = world.store.begin().await.unwrap();
    assert!(txn.version_set_check(code, false, "line 3").await.unwrap());
    assert!(!txn.version_set_check(code, false, "line 3").await.unwrap());
    txn.commit().await.unwrap();
    let row = world.store.version_fetch(world.php, code).await.unwrap().unwrap();
    assert_eq!((row.check_ok, row.check_output.as_str(), row.uploader.as_str()), (Some(false), "line 3", ""));
}
