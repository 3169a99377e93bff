//! Users.

use crate::world::{new_user, user};
use aerie_domain::UserRole;
use aerie_store::{NewAudit, NewUser, Store, StoreError};
use sqlx::PgPool;

async fn insert(store: &Store, user: &NewUser) -> Result<(), StoreError> {
    let mut txn = store.begin().await?;
    txn.user_insert(user).await?;
    txn.commit().await
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_taken_name_or_address_is_named_by_its_constraint(pool: PgPool) {
    let store = Store::from_pool(pool);
    user(&store, "ada").await;

    let same_name = NewUser { email: "other@example.org".to_owned(), ..new_user("ada") };
    let error = insert(&store, &same_name).await.unwrap_err();
    assert_eq!(error.constraint(), Some("users_name_key"));
    assert!(!error.is_unavailable());

    let same_address = NewUser { email: "ADA@Example.org".to_owned(), ..new_user("eve") };
    let error = insert(&store, &same_address).await.unwrap_err();
    assert_eq!(error.constraint(), Some("users_email_key"));
    assert_eq!(store.user_count().await.unwrap(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_log_in_by_name_or_address_and_the_system_user_by_neither(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let system = NewUser { role: UserRole::System, password_hash: None, ..new_user("system") };
    insert(&store, &system).await.unwrap();

    for login in ["ada", "ada@example.org", "Ada@Example.ORG"] {
        assert_eq!(store.user_by_login(login).await.unwrap().map(|user| user.id), Some(ada), "{login}");
    }
    for login in ["Ada", "system", "system@example.org", "", "nobody"] {
        assert_eq!(store.user_by_login(login).await.unwrap(), None, "{login}");
    }
    assert_eq!(store.user_system().await.unwrap().map(|user| user.id), Some(system.id));
    assert_eq!(store.user_count().await.unwrap(), 1);
    assert!(!store.user_has_admin().await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_password_begins_a_new_epoch(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;

    let mut txn = store.begin().await.unwrap();
    assert_eq!(txn.user_set_password(ada, "new").await.unwrap(), 1);
    txn.commit().await.unwrap();

    let row = store.user_fetch(ada).await.unwrap().unwrap();
    assert_eq!((row.auth_epoch, row.password_hash.as_deref()), (1, Some("new")));
    assert!(!format!("{row:?}").contains("new"), "a hash must not get into logs");

    let mut txn = store.begin().await.unwrap();
    let nobody = aerie_domain::UserId::generate();
    let error = txn.user_set_password(nobody, "new").await.unwrap_err();
    assert!(matches!(error, StoreError::RowsAffected { expected: 1, actual: 0 }));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_not_committed_did_not_happen(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let audit = NewAudit {
        actor: Some(ada),
        via: "session".to_owned(),
        address: "192.0.2.1".to_owned(),
        action: "user.register".to_owned(),
        target: "user ada".to_owned(),
        detail: serde_json::json!({}),
    };
    let mut txn = store.begin().await.unwrap();
    txn.audit_append(&audit).await.unwrap();
    drop(txn);
    assert_eq!(store.audit_count(ada).await.unwrap(), 0);

    let mut txn = store.begin().await.unwrap();
    txn.audit_append(&audit).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.audit_count(ada).await.unwrap(), 1);
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_unavailable() {
    // Port 1 of this machine: nobody listens there.
    let error = Store::connect("postgres://nobody@127.0.0.1:1/nothing", 1).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
}
