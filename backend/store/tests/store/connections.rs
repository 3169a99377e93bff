//! Secrets and bindings.

use crate::world::{service, world};
use aerie_store::{BindingRow, Secrets, StoreError};
use sqlx::PgPool;
use std::collections::BTreeMap;

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    Secrets(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[sqlx::test(migrations = "../../migrations")]
async fn secrets_are_added_once_and_replaced_one_by_one(pool: PgPool) {
    let world = world(pool).await;
    let mut txn = world.store.begin().await.unwrap();
    txn.secrets_complete(world.php, &secrets(&[("a", "1")])).await.unwrap();
    txn.secrets_complete(world.php, &secrets(&[("a", "2"), ("b", "3")])).await.unwrap();
    txn.secret_replace(world.php, "b", "4").await.unwrap();
    txn.commit().await.unwrap();
    let kept = world.store.secrets(&[world.php]).await.unwrap();
    assert_eq!(kept, BTreeMap::from([(world.php, secrets(&[("a", "1"), ("b", "4")]))]));
    assert_eq!(format!("{kept:?}").matches('4').count(), format!("{:?}", world.php).matches('4').count());
    let mut txn = world.store.begin().await.unwrap();
    let error = txn.secret_replace(world.php, "c", "5").await.unwrap_err();
    assert!(matches!(error, StoreError::RowsAffected { expected: 1, actual: 0 }));
}

#[sqlx::test(migrations = "../../migrations")]
async fn bindings_are_kept_changed_and_ended(pool: PgPool) {
    let world = world(pool).await;
    let db = service(&world.store, world.blog.id, "db", "mysql").await;
    let kv = service(&world.store, world.blog.id, "kv", "keyvalue").await;
    let row = |uses_id, prefix: &str| BindingRow { service_id: world.php, uses_id, prefix: prefix.to_owned() };
    let mut txn = world.store.begin().await.unwrap();
    txn.binding_put(&row(db, "OLD")).await.unwrap();
    txn.commit().await.unwrap();
    let mut txn = world.store.begin().await.unwrap();
    txn.binding_put(&row(db, "DB")).await.unwrap();
    txn.binding_put(&row(kv, "KV")).await.unwrap();
    txn.commit().await.unwrap();
    let expected = [row(db, "DB"), row(kv, "KV")];
    assert_eq!(world.store.bindings_of_service(world.php).await.unwrap(), expected);
    assert_eq!(world.store.bindings_of_application(world.blog.id).await.unwrap(), expected);
    assert!(world.store.bindings_of_service(db).await.unwrap().is_empty());

    let mut txn = world.store.begin().await.unwrap();
    let error = txn.binding_put(&row(kv, "DB")).await.unwrap_err();
    assert_eq!(error.constraint(), Some("service_bindings_prefix_key"));
    drop(txn);
    let mut txn = world.store.begin().await.unwrap();
    let error = txn.binding_put(&row(world.php, "ME")).await.unwrap_err();
    assert_eq!(error.constraint(), Some("service_bindings_self_check"));
    drop(txn);

    let mut txn = world.store.begin().await.unwrap();
    assert!(txn.binding_delete(world.php, kv).await.unwrap());
    assert!(!txn.binding_delete(world.php, kv).await.unwrap());
    assert_eq!(txn.bindings_end(db).await.unwrap(), [world.php]);
    txn.commit().await.unwrap();
    assert!(world.store.bindings_of_service(world.php).await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn secrets_and_bindings_go_with_their_service(pool: PgPool) {
    let world = world(pool).await;
    let db = service(&world.store, world.blog.id, "db", "mysql").await;
    let mut txn = world.store.begin().await.unwrap();
    txn.secrets_complete(db, &secrets(&[("a", "1")])).await.unwrap();
    let row = BindingRow { service_id: world.php, uses_id: db, prefix: "DB".to_owned() };
    txn.binding_put(&row).await.unwrap();
    txn.service_delete(db).await.unwrap();
    txn.commit().await.unwrap();
    assert!(world.store.secrets(&[db]).await.unwrap().is_empty());
    assert!(world.store.bindings_of_service(world.php).await.unwrap().is_empty());
}
