//! Applications and their networks.

use crate::world::{application, service, user, world};
use aerie_domain::ApplicationId;
use aerie_store::{Store, StoreError};
use sqlx::PgPool;
use std::time::Duration;

async fn delete(store: &Store, id: ApplicationId) -> Result<(), StoreError> {
    let mut txn = store.begin().await?;
    txn.application_delete(id).await?;
    txn.commit().await
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_smallest_free_network_is_taken(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let mut rows = Vec::new();
    for name in ["a", "b", "c", "d"] {
        rows.push(application(&store, ada, name).await);
    }
    assert_eq!(rows.iter().map(|row| row.network_index).collect::<Vec<_>>(), [0, 1, 2, 3]);

    delete(&store, rows[0].id).await.unwrap();
    delete(&store, rows[2].id).await.unwrap();
    assert_eq!(application(&store, ada, "e").await.network_index, 0);
    assert_eq!(application(&store, ada, "f").await.network_index, 2);
    assert_eq!(application(&store, ada, "g").await.network_index, 4);
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_who_create_at_once_get_different_networks(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let mut first = store.begin().await.unwrap();
    let one = first.application_insert(ada, &"one".parse().unwrap()).await.unwrap();

    let second = tokio::spawn({
        let store = store.clone();
        async move { application(&store, ada, "two").await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!second.is_finished(), "the second has to wait for the first");
    first.commit().await.unwrap();
    let two = second.await.unwrap();
    assert_eq!((one.network_index, two.network_index), (0, 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_name_is_unique_among_its_owners_applications_only(pool: PgPool) {
    let store = Store::from_pool(pool);
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let blog = application(&store, ada, "blog").await;
    application(&store, eve, "blog").await;
    let shop = application(&store, ada, "shop").await;

    let mut txn = store.begin().await.unwrap();
    let error = txn.application_insert(ada, &"blog".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.constraint(), Some("applications_name_key"));
    drop(txn);
    let mut txn = store.begin().await.unwrap();
    let error = txn.application_rename(shop.id, &"blog".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.constraint(), Some("applications_name_key"));
    drop(txn);

    assert_eq!(store.application_owned(blog.id, ada).await.unwrap(), Some(blog.clone()));
    assert_eq!(store.application_owned(blog.id, eve).await.unwrap(), None);
    assert_eq!(store.application_list(ada, None, 10).await.unwrap(), [blog.clone(), shop.clone()]);
    assert_eq!(store.application_list(ada, Some(blog.id), 10).await.unwrap(), [shop]);
    assert_eq!(store.application_count(eve).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_application_with_services_cannot_be_removed(pool: PgPool) {
    let world = world(pool).await;
    let error = delete(&world.store, world.blog.id).await.unwrap_err();
    assert_eq!(error.constraint(), Some("services_application_id_fkey"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_condemned_application_goes_with_its_last_service(pool: PgPool) {
    let world = world(pool).await;
    let mysql = service(&world.store, world.blog.id, "mysql", "mysql").await;
    let mut txn = world.store.begin().await.unwrap();
    txn.application_mark_deleting(world.blog.id).await.unwrap();
    txn.commit().await.unwrap();
    assert!(world.store.application_fetch(world.blog.id).await.unwrap().unwrap().deleting_at.is_some());

    let mut txn = world.store.begin().await.unwrap();
    assert!(!txn.service_delete(world.php).await.unwrap());
    txn.commit().await.unwrap();
    let mut txn = world.store.begin().await.unwrap();
    assert!(txn.service_delete(mysql).await.unwrap());
    txn.commit().await.unwrap();
    assert_eq!(world.store.application_fetch(world.blog.id).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_application_that_is_not_condemned_stays_when_it_is_empty(pool: PgPool) {
    let world = world(pool).await;
    let mut txn = world.store.begin().await.unwrap();
    assert!(!txn.service_delete(world.php).await.unwrap());
    txn.commit().await.unwrap();
    assert!(world.store.application_fetch(world.blog.id).await.unwrap().is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_managers_that_remove_the_last_two_services_remove_the_application(pool: PgPool) {
    let world = world(pool).await;
    let mysql = service(&world.store, world.blog.id, "mysql", "mysql").await;
    let mut txn = world.store.begin().await.unwrap();
    txn.application_mark_deleting(world.blog.id).await.unwrap();
    txn.commit().await.unwrap();

    let mut first = world.store.begin().await.unwrap();
    assert!(!first.service_delete(world.php).await.unwrap());
    let second = tokio::spawn({
        let store = world.store.clone();
        async move {
            let mut txn = store.begin().await.unwrap();
            let gone = txn.service_delete(mysql).await.unwrap();
            txn.commit().await.unwrap();
            gone
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    first.commit().await.unwrap();
    assert!(second.await.unwrap());
    assert_eq!(world.store.application_fetch(world.blog.id).await.unwrap(), None);
}
