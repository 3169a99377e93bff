//! The audit log.

use crate::{Actor, Outcome, UseCases, credit::row_number};
use aerie_domain::views::{AuditQuery, AuditView, Page};
use aerie_store::{AuditFilter, AuditRow};
use async_recursion::async_recursion as boxed;
use serde_json::Value;

impl UseCases {
    /// Every change that somebody made, newest first.
    #[boxed]
    pub async fn audit_log(&self, actor: &Actor, query: &AuditQuery) -> Outcome<Page<AuditView>> {
        actor.may_administer()?;
        let before = row_number(query.after.as_deref())?;
        let limit = query.limit.unwrap_or(50).clamp(1, 100) as usize;
        let filter = AuditFilter {
            actor: query.actor.trim().to_owned(),
            action: query.action.trim().to_owned(),
            text: query.text.trim().to_owned(),
        };
        let rows = self.store().audit_list(&filter, before, i64::try_from(limit + 1).unwrap_or(101)).await?;
        let more = rows.len() > limit;
        let items: Vec<AuditView> = rows.into_iter().take(limit).map(view).collect();
        let next = if more { items.last().map(|item| item.id.to_string()) } else { None };
        Ok(Page { items, next })
    }
}

fn view(row: AuditRow) -> AuditView {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let detail = match row.detail {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, text(value))).collect(),
        _ => std::collections::BTreeMap::new(),
    };
    AuditView {
        id: row.id,
        at: row.at,
        actor: row.actor,
        via: row.via,
        address: row.address,
        action: row.action,
        target: row.target,
        detail,
    }
}
