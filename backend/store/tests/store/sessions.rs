//! Sessions, from the cookie's side and from their owners'.

use crate::world::{sql, user};
use aerie_domain::UserId;
use aerie_store::{PgSessionStore, Store, public_session_id};
use serde_json::json;
use sqlx::PgPool;
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::{
    SessionStore,
    session::{Id, Record},
};

fn record(user: Option<UserId>) -> Record {
    let data = match user {
        Some(user) => HashMap::from([("user".to_owned(), json!(user)), ("epoch".to_owned(), json!(0))]),
        None => HashMap::new(),
    };
    Record { id: Id::default(), data, expiry_date: OffsetDateTime::now_utc() + Duration::hours(1) }
}

async fn log_in(store: &Store, user: UserId) -> Record {
    let mut record = record(Some(user));
    PgSessionStore::new(store.clone()).create(&mut record).await.unwrap();
    assert!(store.session_bind(&record.id, user, "Firefox", "192.0.2.1").await.unwrap());
    record
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_is_loaded_as_it_was_saved(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let sessions = PgSessionStore::new(store.clone());
    let mut record = record(None);
    sessions.create(&mut record).await.unwrap();
    assert_eq!(sessions.load(&record.id).await.unwrap().unwrap().data, record.data);
    assert_eq!(store.session_list(ada).await.unwrap(), []);

    record.data.insert("user".to_owned(), json!(ada));
    record.data.insert("epoch".to_owned(), json!(0));
    sessions.save(&record).await.unwrap();
    assert_eq!(sessions.load(&record.id).await.unwrap().unwrap().data, record.data);
    assert_eq!(store.session_list(ada).await.unwrap().len(), 1, "the user is known by the session's data alone");
    assert_eq!(sessions.load(&Id::default()).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_logged_out_session_cannot_be_revived(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let sessions = PgSessionStore::new(store.clone());
    let record = log_in(&store, ada).await;
    // A request that was under way when its owner logged out ends, and saves what it has loaded before.
    sessions.delete(&record.id).await.unwrap();
    sessions.save(&record).await.unwrap();
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);
    assert!(!store.session_bind(&record.id, ada, "", "").await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_expired_session_is_neither_loaded_nor_prolonged(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let sessions = PgSessionStore::new(store.clone());
    let record = log_in(&store, ada).await;
    sql(&store, "update sessions set expires_at = now() - interval '1 second'").await;
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);
    sessions.save(&record).await.unwrap();
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);
    assert_eq!(store.session_list(ada).await.unwrap(), []);
    assert_eq!(store.sessions_prune().await.unwrap(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_copy_of_the_database_opens_no_session(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let record = log_in(&store, ada).await;
    let row: String =
        sqlx::query_scalar("select row_to_json(s)::text from sessions s").fetch_one(store.pool()).await.unwrap();
    let secret = record.id.0.to_le_bytes();
    for form in
        [record.id.to_string(), record.id.0.to_string(), hex::encode(secret), hex::encode(record.id.0.to_be_bytes())]
    {
        assert!(!row.contains(&form), "{form} is in {row}");
    }
    let hash: Vec<u8> = sqlx::query_scalar("select secret_hash from sessions").fetch_one(store.pool()).await.unwrap();
    assert_eq!(hash.len(), 32);
    // The public id is no part of the hash, either: whoever knows one does not know the other.
    assert!(!hex::encode(&hash).contains(&public_session_id(&record.id).0.simple().to_string()[..8]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_taken_id_is_replaced_by_another(pool: PgPool) {
    let store = Store::from_pool(pool);
    let sessions = PgSessionStore::new(store.clone());
    let mut first = record(None);
    sessions.create(&mut first).await.unwrap();
    let mut second = record(None);
    second.id = first.id;
    second.data.insert("theirs".to_owned(), json!(true));
    sessions.create(&mut second).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(sessions.load(&first.id).await.unwrap().unwrap().data, first.data);
    assert_eq!(sessions.load(&second.id).await.unwrap().unwrap().data, second.data);
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_see_and_end_their_own_sessions_only(pool: PgPool) {
    let store = Store::from_pool(pool);
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let (here, there, hers) = (log_in(&store, ada).await, log_in(&store, ada).await, log_in(&store, eve).await);
    let ids = [&here, &there, &hers].map(|record| public_session_id(&record.id));

    let listed = store.session_list(ada).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|row| ids[..2].contains(&row.id) && row.user_agent == "Firefox"));

    let mut txn = store.begin().await.unwrap();
    assert!(!txn.session_revoke(ada, ids[2]).await.unwrap());
    assert!(txn.session_revoke(ada, ids[1]).await.unwrap());
    assert_eq!(txn.session_revoke_others(eve, ids[2]).await.unwrap(), 0);
    txn.commit().await.unwrap();
    let sessions = PgSessionStore::new(store.clone());
    assert_eq!(sessions.load(&there.id).await.unwrap(), None);
    assert!(sessions.load(&here.id).await.unwrap().is_some());
    assert!(sessions.load(&hers.id).await.unwrap().is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn sessions_of_an_older_password_are_not_listed(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let (here, _there) = (log_in(&store, ada).await, log_in(&store, ada).await);
    let mut txn = store.begin().await.unwrap();
    let epoch = txn.user_set_password(ada, "new").await.unwrap();
    assert!(txn.session_set_epoch(ada, public_session_id(&here.id), epoch).await.unwrap());
    txn.commit().await.unwrap();
    let listed = store.session_list(ada).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), [public_session_id(&here.id)]);
    let data = PgSessionStore::new(store).load(&here.id).await.unwrap().unwrap().data;
    assert_eq!(data["epoch"], json!(1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn being_seen_is_noted_once_a_minute(pool: PgPool) {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let id = public_session_id(&log_in(&store, ada).await.id);
    let seen = async || store.session_list(ada).await.unwrap().remove(0);
    let before = seen().await;
    store.session_note_seen(id, "192.0.2.1", "Firefox").await.unwrap();
    assert_eq!(seen().await, before);
    store.session_note_seen(id, "192.0.2.2", "Firefox").await.unwrap();
    assert_eq!(seen().await.address, "192.0.2.2");
    sql(&store, "update sessions set last_seen_at = last_seen_at - interval '5 minutes'").await;
    store.session_note_seen(id, "192.0.2.2", "Firefox").await.unwrap();
    assert!(seen().await.last_seen_at >= before.last_seen_at);
}
