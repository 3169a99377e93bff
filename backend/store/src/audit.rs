//! Table `audit_log`.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::UserId;
use serde_json::Value;
use time::OffsetDateTime;

/// A remembered change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Id; later ones are higher.
    pub id: i64,
    /// When.
    pub at: OffsetDateTime,
    /// User name of who did it; nobody for the platform itself and for failed logins of unknown names.
    pub actor: Option<String>,
    /// How they proved it: `session`, `token <name>`, `system`.
    pub via: String,
    /// From where.
    pub address: String,
    /// What was done (`service.scale`).
    pub action: String,
    /// What it was done to (`service blog/php`).
    pub target: String,
    /// Anything else; an object.
    pub detail: Value,
}

/// Which changes to list; empty texts match everything.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// User name of who did it.
    pub actor: String,
    /// Beginning of the action: `service.`.
    pub action: String,
    /// A part of target, address or detail.
    pub text: String,
}

/// A change to be remembered.
#[derive(Debug, Clone)]
pub struct NewAudit {
    /// Who.
    pub actor: Option<UserId>,
    /// How they proved it: `session`, `token <name>`, `system`.
    pub via: String,
    /// From where.
    pub address: String,
    /// What was done (`service.scale`).
    pub action: String,
    /// What it was done to, readable after the thing is gone (`service blog/php`).
    pub target: String,
    /// Anything else; an object.
    pub detail: Value,
}

impl Txn<'_> {
    /// Remembers a change, in the transaction of the change.
    pub async fn audit_append(&mut self, audit: &NewAudit) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "insert into audit_log (actor_id, via, address, action, target, detail) values ($1, $2, $3, $4, $5, $6)",
            audit.actor.map(|actor| actor.0),
            audit.via,
            audit.address,
            audit.action,
            audit.target,
            audit.detail,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }
}

impl Store {
    /// How many changes are remembered of an actor.
    pub async fn audit_count(&self, actor: UserId) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from audit_log where actor_id = $1"#, actor.0)
            .fetch_one(self.pool())
            .await?;
        Ok(count)
    }

    /// Remembered changes before the given one, newest first.
    pub async fn audit_list(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query_as!(
            AuditRow,
            r#"
               select l.id, l.at, u.name as "actor?", l.via, l.address, l.action, l.target, l.detail
                 from audit_log l
            left join users u on u.id = l.actor_id
                where ($1 = '' or u.name = $1)
                  and starts_with(l.action, $2)
                  and ($3 = '' or position(lower($3) in lower(l.target || ' ' || l.address || ' ' || l.detail::text)) > 0)
                  and ($4::bigint is null or l.id < $4)
             order by l.id desc
                limit $5
            "#,
            filter.actor,
            filter.action,
            filter.text,
            before,
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(rows)
    }
}
