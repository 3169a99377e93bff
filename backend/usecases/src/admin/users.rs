//! People: search, lock out and let in again, grant credit.

use crate::{Actor, Outcome, UseCases, credit};
use aerie_domain::{
    FieldError, MicroCredits, Problem, ProblemCode, UserId,
    views::{AdminUserView, EventKind, Grant, LedgerEntryView, Page, PageQuery, SearchQuery, UserView},
};
use aerie_store::{CreditRow, NewAudit, NewEvent, NewGrant, Txn, UserListRow};
use async_recursion::async_recursion as boxed;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Largest grant, in thousandths of a credit: a slip of the finger shall not overflow anything.
const MAX_GRANT: i64 = 1_000_000_000;
/// Longest reason, in characters.
const MAX_REASON: usize = 200;

impl UseCases {
    /// People whose name, e-mail address or affiliation contains a text, by user name.
    #[boxed]
    pub async fn admin_users(&self, actor: &Actor, query: &SearchQuery) -> Outcome<Page<AdminUserView>> {
        actor.may_administer()?;
        let limit = query.limit.unwrap_or(50).clamp(1, 100) as usize;
        let after = query.after.as_deref();
        let rows =
            self.store().user_list(None, query.text.trim(), after, i64::try_from(limit + 1).unwrap_or(101)).await?;
        let more = rows.len() > limit;
        let now = OffsetDateTime::now_utc();
        let items: Vec<AdminUserView> = rows.into_iter().take(limit).map(|row| view(row, now)).collect();
        let next = if more { items.last().map(|item| item.user.name.clone()) } else { None };
        Ok(Page { items, next })
    }

    /// One person.
    #[boxed]
    pub async fn admin_user(&self, actor: &Actor, id: UserId) -> Outcome<AdminUserView> {
        actor.may_administer()?;
        let row = self.store().user_list(Some(id), "", None, 1).await?.pop();
        row.map(|row| view(row, OffsetDateTime::now_utc())).ok_or_else(|| Problem::not_found("user").into())
    }

    /// Every movement of a person's credit, newest first.
    #[boxed]
    pub async fn admin_user_entries(
        &self,
        actor: &Actor,
        id: UserId,
        page: &PageQuery,
    ) -> Outcome<Page<LedgerEntryView>> {
        self.admin_user(actor, id).await?;
        self.ledger_page(id, page).await
    }

    /// Locks a person out: ends their sessions and tokens at once. What runs goes on running, and costing.
    #[boxed]
    pub async fn disable_user(&self, actor: &Actor, id: UserId) -> Outcome<AdminUserView> {
        actor.may_write()?;
        let user = self.admin_user(actor, id).await?.user;
        if id == actor.user {
            let detail = "You cannot lock yourself out. Ask another administrator.";
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        let mut txn = self.store().begin().await?;
        if txn.user_set_disabled(id, true).await? {
            let sessions = txn.session_revoke_all(id).await?;
            let tokens = txn.token_revoke_all(id).await?;
            let detail = json!({"sessions": sessions.to_string(), "tokens": tokens.to_string()});
            audit(&mut txn, actor, "user.disable", &user, detail).await?;
        }
        txn.commit().await?;
        self.admin_user(actor, id).await
    }

    /// Lets a person in again. Their old sessions and tokens stay ended.
    #[boxed]
    pub async fn enable_user(&self, actor: &Actor, id: UserId) -> Outcome<AdminUserView> {
        actor.may_write()?;
        let user = self.admin_user(actor, id).await?.user;
        let mut txn = self.store().begin().await?;
        if txn.user_set_disabled(id, false).await? {
            audit(&mut txn, actor, "user.enable", &user, json!({})).await?;
        }
        txn.commit().await?;
        self.admin_user(actor, id).await
    }

    /// Grants credit with a reason, or takes it back.
    #[boxed]
    pub async fn grant(&self, actor: &Actor, id: UserId, form: Grant) -> Outcome<AdminUserView> {
        actor.may_write()?;
        let user = self.admin_user(actor, id).await?.user;
        let reason = form.reason.trim();
        let mut errors = Vec::new();
        if form.amount.millis == 0 || form.amount.millis.abs() > MAX_GRANT {
            let message = format!("must not be 0, and at most {} credits", MAX_GRANT / 1000);
            errors.push(FieldError { field: "amount".into(), message });
        }
        if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
            let message = format!("must have 1 to {MAX_REASON} characters on one line");
            errors.push(FieldError { field: "reason".into(), message });
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors).into());
        }
        let micros = MicroCredits::from(form.amount).micros;
        let mut txn = self.store().begin().await?;
        txn.ledger_grant(&NewGrant { user: id, micros, reason: reason.to_owned(), actor: Some(actor.user) }).await?;
        audit(&mut txn, actor, "user.grant", &user, json!({"credits": form.amount.to_string(), "reason": reason}))
            .await?;
        let event =
            NewEvent { owner: Some(id), kind: EventKind::Account, application: None, service: None, instance: None };
        txn.event_append(&event).await?;
        txn.commit().await?;
        self.admin_user(actor, id).await
    }
}

async fn audit(txn: &mut Txn<'_>, actor: &Actor, action: &str, user: &UserView, detail: Value) -> Outcome<()> {
    let target = format!("user {}", user.name);
    Ok(txn.audit_append(&NewAudit { detail, ..actor.audit(action, &target) }).await?)
}

fn view(row: UserListRow, now: OffsetDateTime) -> AdminUserView {
    let credit = CreditRow {
        balance_micros: row.balance_micros,
        allowance_micros: row.allowance_micros,
        level: row.level,
        per_hour_millis: row.per_hour_millis,
    };
    AdminUserView {
        credit: credit::view(&credit, now),
        user: UserView {
            id: row.id,
            name: row.name,
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            affiliation: row.affiliation,
            role: row.role,
            created_at: row.created_at,
        },
        disabled_at: row.disabled_at,
        applications: u32::try_from(row.applications).unwrap_or(u32::MAX),
        running: u32::try_from(row.running).unwrap_or(u32::MAX),
    }
}
