//! Table `sessions`, as people see it: the browsers in which they are signed in. The cookies' side is in
//! `session_store`.

use crate::{Store, StoreError, Txn, session_store::secret_hash};
use aerie_domain::{SessionId, UserId};
use time::OffsetDateTime;
use tower_sessions_core::session::Id;

/// A browser in which a user is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Public id, not the secret.
    pub id: SessionId,
    /// The browser's own description.
    pub user_agent: String,
    /// Where it last came from.
    pub address: String,
    /// When it logged in.
    pub created_at: OffsetDateTime,
    /// When it was last seen, to the minute.
    pub last_seen_at: OffsetDateTime,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

impl Store {
    /// Completes the session of a browser that has just logged in and was saved. False when there is none.
    pub async fn session_bind(
        &self,
        secret: &Id,
        user: UserId,
        user_agent: &str,
        address: &str,
    ) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "update sessions set user_id = $2, user_agent = $3, address = $4 where secret_hash = $1",
            &secret_hash(secret)[..],
            user.0,
            user_agent,
            address,
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// The sessions of a user that are neither over nor of an older password, last seen first.
    pub async fn session_list(&self, user: UserId) -> Result<Vec<SessionRow>, StoreError> {
        let rows = sqlx::query!(
            "
              select s.id, s.user_agent, s.address, s.created_at, s.last_seen_at, s.expires_at
                from sessions s
                join users u on u.id = s.user_id
               where s.user_id = $1
                 and s.expires_at > now()
                 and s.data ->> 'epoch' = u.auth_epoch::text
            order by s.last_seen_at desc, s.id
            ",
            user.0,
        )
        .fetch_all(self.pool())
        .await?;
        let sessions = rows.into_iter().map(|row| SessionRow {
            id: SessionId(row.id),
            user_agent: row.user_agent,
            address: row.address,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
        });
        Ok(sessions.collect())
    }

    /// Whether a session still opens anything: it is there, neither over nor older than so many days, and its user is
    /// neither disabled nor has logged out everywhere since.
    pub async fn session_is_live(&self, user: UserId, id: SessionId, max_age_days: i32) -> Result<bool, StoreError> {
        let live = sqlx::query_scalar!(
            r#"
            select exists (
                select from sessions s
                  join users u on u.id = s.user_id
                 where s.id = $2
                   and s.user_id = $1
                   and s.expires_at > now()
                   and to_timestamp((s.data ->> 'signed_in_at')::bigint) > now() - make_interval(days => $3)
                   and s.data ->> 'epoch' = u.auth_epoch::text
                   and u.disabled_at is null
            ) as "live!"
            "#,
            user.0,
            id.0,
            max_age_days,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(live)
    }

    /// Notes that a session was seen; writes at most once a minute, or when the address changes.
    pub async fn session_note_seen(&self, id: SessionId, address: &str, user_agent: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update sessions
               set last_seen_at = now(),
                   address      = $2,
                   user_agent   = $3
             where id = $1
               and (last_seen_at < now() - interval '1 minute' or address <> $2)
            ",
            id.0,
            address,
            user_agent,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Forgets sessions that are over. Answers how many.
    pub async fn sessions_prune(&self) -> Result<u64, StoreError> {
        let result = sqlx::query!("delete from sessions where expires_at <= now()").execute(self.pool()).await?;
        Ok(result.rows_affected())
    }
}

impl Txn<'_> {
    /// Ends a session of the user's. False when there is no such session.
    pub async fn session_revoke(&mut self, user: UserId, id: SessionId) -> Result<bool, StoreError> {
        let result = sqlx::query!("delete from sessions where user_id = $1 and id = $2", user.0, id.0)
            .execute(self.connection())
            .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Ends all sessions of the user's but one. Answers how many.
    pub async fn session_revoke_others(&mut self, user: UserId, keep: SessionId) -> Result<u64, StoreError> {
        let result = sqlx::query!("delete from sessions where user_id = $1 and id <> $2", user.0, keep.0)
            .execute(self.connection())
            .await?;
        Ok(result.rows_affected())
    }

    /// Ends all sessions of the user's. Answers how many.
    pub async fn session_revoke_all(&mut self, user: UserId) -> Result<u64, StoreError> {
        let result = sqlx::query!("delete from sessions where user_id = $1", user.0).execute(self.connection()).await?;
        Ok(result.rows_affected())
    }

    /// Moves a session to a new epoch, so that the browser that changed the password stays signed in. False when there
    /// is no such session.
    pub async fn session_set_epoch(&mut self, user: UserId, id: SessionId, epoch: i32) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "update sessions set data = jsonb_set(data, '{epoch}', to_jsonb($3::integer)) where user_id = $1 and id = $2",
            user.0,
            id.0,
            epoch,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }
}
