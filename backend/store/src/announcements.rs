//! Table `announcements`.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::{AnnouncementId, UserId};
use time::OffsetDateTime;

/// A banner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncementRow {
    /// Id.
    pub id: AnnouncementId,
    /// What it says.
    pub text: String,
    /// Shown from then on …
    pub from_at: OffsetDateTime,
    /// … until then.
    pub until_at: OffsetDateTime,
}

/// A banner to be. Constraint: `announcements_time_check`.
#[derive(Debug, Clone)]
pub struct NewAnnouncement {
    /// Id.
    pub id: AnnouncementId,
    /// What it says.
    pub text: String,
    /// Shown from then on; from now on when absent …
    pub from_at: Option<OffsetDateTime>,
    /// … until then.
    pub until_at: OffsetDateTime,
    /// Who says so.
    pub actor: UserId,
}

impl Store {
    /// The banners that are not over, those that begin first at the top; only those that are shown now, or also those to come.
    pub async fn announcements(&self, also_coming: bool) -> Result<Vec<AnnouncementRow>, StoreError> {
        let rows = sqlx::query!(
            "
              select id, text, from_at, until_at
                from announcements
               where until_at > now()
                 and ($1 or from_at <= now())
            order by from_at, id
               limit 100
            ",
            also_coming,
        )
        .fetch_all(self.pool())
        .await?;
        let announcements = rows.into_iter().map(|row| AnnouncementRow {
            id: AnnouncementId(row.id),
            text: row.text,
            from_at: row.from_at,
            until_at: row.until_at,
        });
        Ok(announcements.collect())
    }

    /// Forgets banners that were over `max_age` ago. Answers how many.
    pub async fn announcements_prune(&self, max_age: std::time::Duration) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "delete from announcements where until_at < now() - make_interval(secs => $1)",
            max_age.as_secs_f64(),
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected())
    }
}

impl Txn<'_> {
    /// Adds a banner.
    pub async fn announcement_insert(&mut self, new: &NewAnnouncement) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into announcements (id, text, from_at, until_at, created_by)
            values ($1, $2, coalesce($3, now()), $4, $5)
            ",
            new.id.0,
            new.text,
            new.from_at,
            new.until_at,
            new.actor.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Removes a banner. Answers with its text, if there was one.
    pub async fn announcement_delete(&mut self, id: AnnouncementId) -> Result<Option<String>, StoreError> {
        let text = sqlx::query_scalar!("delete from announcements where id = $1 returning text", id.0)
            .fetch_optional(self.connection())
            .await?;
        Ok(text)
    }
}
