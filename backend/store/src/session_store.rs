//! Table `sessions`, as the cookie layer sees it.
//!
//! Guarantees: the database holds only a hash of the cookie's value, so a copy of it opens no session; a session that
//! was deleted cannot come back, because saving only updates; one that is over is not loaded.

use crate::Store;
use aerie_domain::SessionId;
use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::types::{Json, Uuid};
use std::collections::HashMap;
use tower_sessions_core::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// How often another id is tried when one is taken. With 128 random bits, once is never.
const ATTEMPTS: u32 = 3;

/// Key of the signed-in user's id in a session's data.
const USER_KEY: &str = "user";

/// The session store behind the cookie layer.
#[derive(Debug, Clone)]
pub struct PgSessionStore {
    store: Store,
}

impl PgSessionStore {
    /// A session store in this database.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

/// What the database keeps of a cookie's value.
pub(crate) fn secret_hash(id: &Id) -> [u8; 32] {
    Sha256::digest(id.0.to_le_bytes()).into()
}

/// The id by which a session is known in lists and addresses. It follows from the secret, but not the other way round,
/// and is unlike the hash that opens it in the database.
pub fn public_session_id(id: &Id) -> SessionId {
    let digest = Sha256::new().chain_update("aerie public session id").chain_update(id.0.to_le_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    SessionId(sqlx::types::uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// The signed-in user, if the session has one.
fn user_of(data: &HashMap<String, Value>) -> Option<Uuid> {
    data.get(USER_KEY)?.as_str()?.parse().ok()
}

/// Tells the layer that it failed, without anything that could be shown to a client; the cause is logged here.
fn backend(error: &sqlx::Error) -> Error {
    tracing::error!(error = error as &dyn std::error::Error, "the session store failed");
    Error::Backend("the database did not do what was asked".to_owned())
}

#[async_trait]
impl SessionStore for PgSessionStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let result = sqlx::query!(
                "
                insert into sessions (id, secret_hash, user_id, data, expires_at)
                values ($1, $2, $3, $4, $5)
                    on conflict do nothing
                ",
                public_session_id(&record.id).0,
                &secret_hash(&record.id)[..],
                user_of(&record.data),
                Json(&record.data) as _,
                record.expiry_date,
            )
            .execute(self.store.pool())
            .await
            .map_err(|error| backend(&error))?;
            if result.rows_affected() == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id was found".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // No row means that the session was ended meanwhile: then there is nothing to save.
        sqlx::query!(
            "
            update sessions
               set user_id    = $2,
                   data       = $3,
                   expires_at = $4
             where secret_hash = $1
               and expires_at > now()
            ",
            &secret_hash(&record.id)[..],
            user_of(&record.data),
            Json(&record.data) as _,
            record.expiry_date,
        )
        .execute(self.store.pool())
        .await
        .map_err(|error| backend(&error))?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let row = sqlx::query!(
            r#"
            select data as "data: Json<HashMap<String, Value>>", expires_at
              from sessions
             where secret_hash = $1
               and expires_at > now()
            "#,
            &secret_hash(id)[..],
        )
        .fetch_optional(self.store.pool())
        .await
        .map_err(|error| backend(&error))?;
        Ok(row.map(|row| Record { id: *id, data: row.data.0, expiry_date: row.expires_at }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        sqlx::query!("delete from sessions where secret_hash = $1", &secret_hash(id)[..])
            .execute(self.store.pool())
            .await
            .map_err(|error| backend(&error))?;
        Ok(())
    }
}
