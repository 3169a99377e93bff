//! API tokens.

use crate::world::{sql, user};
use aerie_domain::{TokenId, TokenScope, UserId};
use aerie_store::{NewToken, Store, StoreError};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

const HASH: &[u8] = &[7; 32];

fn new_token(user: UserId, name: &str, hash: &[u8]) -> NewToken {
    NewToken {
        id: TokenId::generate(),
        user_id: user,
        name: name.to_owned(),
        prefix: "aerie_ab".to_owned(),
        secret_hash: hash.to_vec(),
        scope: TokenScope::Read,
        expires_at: OffsetDateTime::now_utc() + Duration::days(1),
    }
}

async fn insert(store: &Store, token: &NewToken) -> Result<(), StoreError> {
    let mut txn = store.begin().await?;
    txn.token_insert(token).await?;
    txn.commit().await
}

async fn opens(store: &Store) -> bool {
    store.token_by_hash(HASH).await.unwrap().is_some()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_is_found_by_its_hash_with_its_owner(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let token = new_token(ada, "laptop", HASH);
    insert(&store, &token).await.unwrap();
    let (row, owner) = store.token_by_hash(HASH).await.unwrap().unwrap();
    assert_eq!((row.id, row.scope, owner.id), (token.id, TokenScope::Read, ada));
    assert_eq!(store.token_by_hash(&[8; 32]).await.unwrap(), None);

    store.token_touch(token.id).await.unwrap();
    let first = store.token_list(ada).await.unwrap()[0].last_used_at;
    assert!(first.is_some());
    store.token_touch(token.id).await.unwrap();
    assert_eq!(store.token_list(ada).await.unwrap()[0].last_used_at, first, "noted once a minute");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_opens_nothing_once_it_is_revoked_over_or_its_owner_disabled(pool: PgPool) {
    let store = Store::from_pool(pool);
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let token = new_token(ada, "laptop", HASH);
    insert(&store, &token).await.unwrap();
    assert!(opens(&store).await);

    sql(&store, "update users set disabled_at = now() where name = 'ada'").await;
    assert!(!opens(&store).await);
    sql(&store, "update users set disabled_at = null").await;
    sql(&store, "update api_tokens set expires_at = now()").await;
    assert!(!opens(&store).await);
    sql(&store, "update api_tokens set expires_at = now() + interval '1 day'").await;
    assert!(opens(&store).await);

    let mut txn = store.begin().await.unwrap();
    assert!(!txn.token_revoke(eve, token.id).await.unwrap(), "not hers to revoke");
    assert!(txn.token_revoke(ada, token.id).await.unwrap());
    assert!(!txn.token_revoke(ada, token.id).await.unwrap());
    txn.commit().await.unwrap();
    assert!(!opens(&store).await);
    assert_eq!(store.token_list(ada).await.unwrap(), []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_name_is_free_again_after_its_token_was_revoked(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let first = new_token(ada, "laptop", HASH);
    insert(&store, &first).await.unwrap();
    let second = new_token(ada, "laptop", &[8; 32]);
    assert_eq!(insert(&store, &second).await.unwrap_err().constraint(), Some("api_tokens_name_key"));

    let mut txn = store.begin().await.unwrap();
    txn.token_revoke(ada, first.id).await.unwrap();
    txn.commit().await.unwrap();
    insert(&store, &second).await.unwrap();

    sql(&store, "update api_tokens set revoked_at = now() - interval '60 days' where revoked_at is not null").await;
    assert_eq!(store.tokens_prune().await.unwrap(), 1);
    assert_eq!(store.token_list(ada).await.unwrap().len(), 1);
}
