//! Table `users`, as administrators look through it.

use crate::{
    Store, StoreError,
    error::{typed, word},
    ledger::level,
};
use aerie_domain::{CreditLevel, UserId, UserRole};
use sqlx::types::Uuid;
use time::OffsetDateTime;

/// A person with what an administrator wants to know at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserListRow {
    /// Id.
    pub id: UserId,
    /// User name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// School, university or company.
    pub affiliation: String,
    /// Person or admin.
    pub role: UserRole,
    /// Since when the account is locked.
    pub disabled_at: Option<OffsetDateTime>,
    /// When registered.
    pub created_at: OffsetDateTime,
    /// Credit left, micros.
    pub balance_micros: i64,
    /// What there was right after the last grant, micros.
    pub allowance_micros: i64,
    /// How far it is used.
    pub level: CreditLevel,
    /// Applications.
    pub applications: i64,
    /// Services that shall run.
    pub running: i64,
    /// What the present instances cost per hour, thousandths of a credit.
    pub per_hour_millis: i64,
}

struct Raw {
    id: Uuid,
    name: String,
    email: String,
    first_name: String,
    last_name: String,
    affiliation: String,
    role: String,
    disabled_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    balance_micros: i64,
    allowance_micros: i64,
    level: i16,
    applications: i64,
    running: i64,
    per_hour_millis: i64,
}

impl TryFrom<Raw> for UserListRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(raw.id),
            name: raw.name,
            email: raw.email,
            first_name: raw.first_name,
            last_name: raw.last_name,
            affiliation: raw.affiliation,
            role: word("users.role", &raw.role)?,
            disabled_at: raw.disabled_at,
            created_at: raw.created_at,
            balance_micros: raw.balance_micros,
            allowance_micros: raw.allowance_micros,
            level: level(raw.level)?,
            applications: raw.applications,
            running: raw.running,
            per_hour_millis: raw.per_hour_millis,
        })
    }
}

impl Store {
    /// People whose name, e-mail address or affiliation contains a text (all, when it is empty), by user name, after the
    /// given name; or exactly one person.
    pub async fn user_list(
        &self,
        only: Option<UserId>,
        text: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<UserListRow>, StoreError> {
        let rows = sqlx::query_as!(
            Raw,
            r#"
              select u.id,
                     u.name,
                     u.email,
                     u.first_name,
                     u.last_name,
                     u.affiliation,
                     u.role,
                     u.disabled_at,
                     u.created_at,
                     l.balance_micros,
                     l.allowance_micros,
                     l.level as "level!",
                     (select count(*) from applications a where a.owner_id = u.id) as "applications!",
                     (select count(*)
                        from applications a
                        join services s on s.application_id = a.id
                       where a.owner_id = u.id
                         and s.desired = 'running') as "running!",
                     (select coalesce(sum(m.price_millis_per_hour), 0)::bigint
                        from instance_meters m
                       where m.owner_id = u.id
                         and m.ended_at is null
                         and not m.settled) as "per_hour_millis!"
                from users u
                join ledger_accounts l on l.user_id = u.id
               where ($1::uuid is null or u.id = $1)
                 and position(lower($2) in lower(concat_ws(' ', u.name, u.email, u.first_name, u.last_name, u.affiliation))) > 0
                 and ($3::text is null or u.name > $3)
            order by u.name
               limit $4
            "#,
            only.map(|id| id.0),
            text,
            after,
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        typed(rows)
    }
}
