//! Table `users`.

use crate::{
    NewGrant, Store, StoreError, Txn,
    error::{ensure_affected, word},
};
use aerie_domain::{UserId, UserRole};
use sqlx::types::Uuid;
use std::fmt;
use time::OffsetDateTime;

/// A person, or the system user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Id.
    pub id: UserId,
    /// User name; not a `UserName`, because the system user's is reserved.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// argon2id hash; none for the system user, who cannot log in.
    pub password_hash: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// School, university or company.
    pub affiliation: String,
    /// What kind of user.
    pub role: UserRole,
    /// Sessions of another epoch are void.
    pub auth_epoch: i32,
    /// When an administrator locked the account.
    pub disabled_at: Option<OffsetDateTime>,
    /// When registered.
    pub created_at: OffsetDateTime,
}

/// A user to be.
#[derive(Clone)]
pub struct NewUser {
    /// Id.
    pub id: UserId,
    /// User name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// argon2id hash; none for the system user.
    pub password_hash: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// School, university or company.
    pub affiliation: String,
    /// What kind of user.
    pub role: UserRole,
    /// Credit to begin with, in thousandths; the system user has none.
    pub granted_millis: i64,
}

impl fmt::Debug for UserRow {
    /// Without the hash and personal data: this ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRow").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

pub(crate) struct UserRaw {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub password_hash: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub affiliation: String,
    pub role: String,
    pub auth_epoch: i32,
    pub disabled_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
}

impl TryFrom<UserRaw> for UserRow {
    type Error = StoreError;

    fn try_from(raw: UserRaw) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(raw.id),
            name: raw.name,
            email: raw.email,
            password_hash: raw.password_hash,
            first_name: raw.first_name,
            last_name: raw.last_name,
            affiliation: raw.affiliation,
            role: word("users.role", &raw.role)?,
            auth_epoch: raw.auth_epoch,
            disabled_at: raw.disabled_at,
            created_at: raw.created_at,
        })
    }
}

macro_rules! select_users {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            UserRaw,
            r#"
            select u.id,
                   u.name,
                   u.email,
                   u.password_hash,
                   u.first_name,
                   u.last_name,
                   u.affiliation,
                   u.role,
                   u.auth_epoch,
                   u.disabled_at,
                   u.created_at
              from users u
            "# + $rest
            $(, $argument)*
        )
    };
}
pub(crate) use select_users;

impl Store {
    /// One user.
    pub async fn user_fetch(&self, id: UserId) -> Result<Option<UserRow>, StoreError> {
        let raw = select_users!("where u.id = $1", id.0).fetch_optional(self.pool()).await?;
        raw.map(UserRow::try_from).transpose()
    }

    /// The user with this name or e-mail address (a name has no `@`, so there is at most one).
    pub async fn user_by_login(&self, name_or_email: &str) -> Result<Option<UserRow>, StoreError> {
        let raw = select_users!(
            "where u.role <> 'system' and (u.name = $1 or lower(u.email) = lower($1)) order by u.name <> $1 limit 1",
            name_or_email
        )
        .fetch_optional(self.pool())
        .await?;
        raw.map(UserRow::try_from).transpose()
    }

    /// The user that owns system services, once there is one.
    pub async fn user_system(&self) -> Result<Option<UserRow>, StoreError> {
        let raw =
            select_users!("where u.role = 'system' order by u.created_at limit 1").fetch_optional(self.pool()).await?;
        raw.map(UserRow::try_from).transpose()
    }

    /// How many people there are.
    pub async fn user_count(&self) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from users where role <> 'system'"#)
            .fetch_one(self.pool())
            .await?;
        Ok(count)
    }

    /// Whether anybody looks after the installation.
    pub async fn user_has_admin(&self) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(r#"select exists (select from users where role = 'admin') as "found!""#)
            .fetch_one(self.pool())
            .await?;
        Ok(found)
    }
}

impl Txn<'_> {
    /// Adds a user with an account and the credit to begin with. Constraints: `users_name_key`, `users_email_key`.
    pub async fn user_insert(&mut self, user: &NewUser) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into users (id, name, email, password_hash, first_name, last_name, affiliation, role)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            ",
            user.id.0,
            user.name,
            user.email,
            user.password_hash,
            user.first_name,
            user.last_name,
            user.affiliation,
            user.role.as_str(),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)?;
        if user.role == UserRole::System {
            return Ok(());
        }
        self.ledger_open(user.id).await?;
        if user.granted_millis == 0 {
            return Ok(());
        }
        let reason = "Initial credit".to_owned();
        self.ledger_grant(&NewGrant { user: user.id, micros: user.granted_millis * 1000, reason, actor: None }).await
    }

    /// Sets a password and ends the sessions of the old one. Answers with the new epoch.
    pub async fn user_set_password(&mut self, id: UserId, hash: &str) -> Result<i32, StoreError> {
        let epoch = sqlx::query_scalar!(
            "
               update users
                  set password_hash = $2,
                      auth_epoch    = auth_epoch + 1
                where id = $1
            returning auth_epoch
            ",
            id.0,
            hash,
        )
        .fetch_optional(self.connection())
        .await?;
        epoch.ok_or(StoreError::RowsAffected { expected: 1, actual: 0 })
    }

    /// Locks an account out or lets it in again. False when it was so already. Sessions and tokens are ended apart.
    pub async fn user_set_disabled(&mut self, id: UserId, disabled: bool) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update users
               set disabled_at = case when $2 then now() end,
                   auth_epoch  = auth_epoch + 1
             where id = $1
               and (disabled_at is not null) <> $2
            ",
            id.0,
            disabled,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }
}
