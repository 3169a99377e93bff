//! Banners on every page.

use crate::{Actor, Outcome, UseCases};
use aerie_domain::{
    AnnouncementId, FieldError, Problem,
    views::{AnnouncementView, CreateAnnouncement},
};
use aerie_store::{AnnouncementRow, NewAnnouncement, NewAudit};
use async_recursion::async_recursion as boxed;
use serde_json::json;

/// Longest text, in characters: a banner is on every page.
const MAX_TEXT: usize = 500;

impl UseCases {
    /// What is announced now. Anybody may read it, also who is not signed in.
    #[boxed]
    pub async fn announcements(&self) -> Outcome<Vec<AnnouncementView>> {
        Ok(self.store().announcements(false).await?.into_iter().map(view).collect())
    }

    /// What is announced now, and what is going to be.
    #[boxed]
    pub async fn admin_announcements(&self, actor: &Actor) -> Outcome<Vec<AnnouncementView>> {
        actor.may_administer()?;
        Ok(self.store().announcements(true).await?.into_iter().map(view).collect())
    }

    /// Announces something.
    #[boxed]
    pub async fn announce(&self, actor: &Actor, form: CreateAnnouncement) -> Outcome<AnnouncementView> {
        actor.may_write()?;
        actor.may_administer()?;
        let text = form.text.trim();
        let mut errors = Vec::new();
        if text.is_empty() || text.chars().count() > MAX_TEXT {
            let message = format!("must have 1 to {MAX_TEXT} characters");
            errors.push(FieldError { field: "text".into(), message });
        }
        let now = self.store().database_now().await?;
        if form.until_at <= form.from_at.unwrap_or(now).max(now) {
            let message = "must be after the beginning, and not over already".into();
            errors.push(FieldError { field: "until_at".into(), message });
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors).into());
        }
        let id = AnnouncementId::generate();
        let new = NewAnnouncement {
            id,
            text: text.to_owned(),
            from_at: form.from_at,
            until_at: form.until_at,
            actor: actor.user,
        };
        let mut txn = self.store().begin().await?;
        txn.announcement_insert(&new).await?;
        let target = format!("announcement {}", id.short());
        txn.audit_append(&NewAudit { detail: json!({"text": text}), ..actor.audit("announcement.create", &target) })
            .await?;
        txn.commit().await?;
        let rows = self.store().announcements(true).await?;
        let row = rows.into_iter().find(|row| row.id == id).ok_or_else(|| Problem::not_found("announcement"))?;
        Ok(view(row))
    }

    /// Takes an announcement back.
    #[boxed]
    pub async fn withdraw_announcement(&self, actor: &Actor, id: AnnouncementId) -> Outcome<()> {
        actor.may_write()?;
        actor.may_administer()?;
        let mut txn = self.store().begin().await?;
        let text = txn.announcement_delete(id).await?.ok_or_else(|| Problem::not_found("announcement"))?;
        let target = format!("announcement {}", id.short());
        txn.audit_append(&NewAudit { detail: json!({"text": text}), ..actor.audit("announcement.delete", &target) })
            .await?;
        Ok(txn.commit().await?)
    }
}

fn view(row: AnnouncementRow) -> AnnouncementView {
    AnnouncementView { id: row.id, text: row.text, from_at: row.from_at, until_at: row.until_at }
}
