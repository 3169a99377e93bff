//! Table `api_tokens`.

use crate::{
    Store, StoreError, Txn, UserRow,
    accounts::{UserRaw, select_users},
    error::{ensure_affected, typed, word},
};
use aerie_domain::{TokenId, TokenScope, UserId};
use sqlx::types::Uuid;
use time::OffsetDateTime;

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Id.
    pub id: TokenId,
    /// Whose.
    pub user_id: UserId,
    /// What it is for.
    pub name: String,
    /// First characters, to recognise it by.
    pub prefix: String,
    /// What it may do.
    pub scope: TokenScope,
    /// When made.
    pub created_at: OffsetDateTime,
    /// When it ends.
    pub expires_at: OffsetDateTime,
    /// When last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
}

/// A token to be.
#[derive(Clone)]
pub struct NewToken {
    /// Id.
    pub id: TokenId,
    /// Whose.
    pub user_id: UserId,
    /// What it is for.
    pub name: String,
    /// First characters, to recognise it by.
    pub prefix: String,
    /// SHA-256 of the secret.
    pub secret_hash: Vec<u8>,
    /// What it may do.
    pub scope: TokenScope,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

struct TokenRaw {
    id: Uuid,
    user_id: Uuid,
    name: String,
    prefix: String,
    scope: String,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
}

impl TryFrom<TokenRaw> for TokenRow {
    type Error = StoreError;

    fn try_from(raw: TokenRaw) -> Result<Self, StoreError> {
        Ok(Self {
            id: TokenId(raw.id),
            user_id: UserId(raw.user_id),
            name: raw.name,
            prefix: raw.prefix,
            scope: word("api_tokens.scope", &raw.scope)?,
            created_at: raw.created_at,
            expires_at: raw.expires_at,
            last_used_at: raw.last_used_at,
        })
    }
}

impl Store {
    /// The tokens of a user that are not revoked, newest first; expired ones are among them.
    pub async fn token_list(&self, user: UserId) -> Result<Vec<TokenRow>, StoreError> {
        let raw = sqlx::query_as!(
            TokenRaw,
            "
              select id, user_id, name, prefix, scope, created_at, expires_at, last_used_at
                from api_tokens
               where user_id = $1
                 and revoked_at is null
            order by id desc
            ",
            user.0,
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// The token whose secret has this SHA-256 and its owner; nothing if it is revoked or over, or the owner disabled.
    pub async fn token_by_hash(&self, hash: &[u8]) -> Result<Option<(TokenRow, UserRow)>, StoreError> {
        let raw = sqlx::query_as!(
            TokenRaw,
            "
            select id, user_id, name, prefix, scope, created_at, expires_at, last_used_at
              from api_tokens
             where secret_hash = $1
               and revoked_at is null
               and expires_at > now()
            ",
            hash,
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(raw) = raw else { return Ok(None) };
        let owner = self.token_owner(raw.user_id).await?;
        owner.map(|owner| Ok((TokenRow::try_from(raw)?, owner))).transpose()
    }

    /// Whether a token still opens anything: neither revoked nor over, and its owner not disabled.
    pub async fn token_is_live(&self, user: UserId, id: TokenId) -> Result<bool, StoreError> {
        let live = sqlx::query_scalar!(
            r#"
            select exists (
                select from api_tokens t
                  join users u on u.id = t.user_id
                 where t.id = $2
                   and t.user_id = $1
                   and t.revoked_at is null
                   and t.expires_at > now()
                   and u.disabled_at is null
            ) as "live!"
            "#,
            user.0,
            id.0,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(live)
    }

    async fn token_owner(&self, id: Uuid) -> Result<Option<UserRow>, StoreError> {
        let raw = select_users!("where u.id = $1 and u.disabled_at is null", id).fetch_optional(self.pool()).await?;
        raw.map(UserRow::try_from).transpose()
    }

    /// Notes that a token was used; writes at most once a minute.
    pub async fn token_touch(&self, id: TokenId) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update api_tokens
               set last_used_at = now()
             where id = $1
               and (last_used_at is null or last_used_at < now() - interval '1 minute')
            ",
            id.0,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Forgets tokens that have been revoked or over for a month. Answers how many.
    pub async fn tokens_prune(&self) -> Result<u64, StoreError> {
        let result =
            sqlx::query!("delete from api_tokens where least(revoked_at, expires_at) < now() - interval '30 days'")
                .execute(self.pool())
                .await?;
        Ok(result.rows_affected())
    }
}

impl Txn<'_> {
    /// Adds a token. Constraint: `api_tokens_name_key`.
    pub async fn token_insert(&mut self, token: &NewToken) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into api_tokens (id, user_id, name, prefix, secret_hash, scope, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7)
            ",
            token.id.0,
            token.user_id.0,
            token.name,
            token.prefix,
            token.secret_hash,
            token.scope.as_str(),
            token.expires_at,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Revokes a token of the user's. False when there is no such token.
    pub async fn token_revoke(&mut self, user: UserId, id: TokenId) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "update api_tokens set revoked_at = now() where id = $1 and user_id = $2 and revoked_at is null",
            id.0,
            user.0,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Revokes all tokens of the user's. Answers how many.
    pub async fn token_revoke_all(&mut self, user: UserId) -> Result<u64, StoreError> {
        let result =
            sqlx::query!("update api_tokens set revoked_at = now() where user_id = $1 and revoked_at is null", user.0)
                .execute(self.connection())
                .await?;
        Ok(result.rows_affected())
    }
}
