//! Table `audit_log`.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::UserId;
use serde_json::Value;

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
}
