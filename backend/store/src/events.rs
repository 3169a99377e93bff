//! Table `events`: the outbox.
//!
//! Ids are given out before commit, so a lower one may appear after a higher one has been read. Readers therefore go by
//! (transaction, id) and see only events of transactions older than every one that still runs: no event is skipped. The
//! price: an event is late while an older writing transaction of the whole Postgres cluster is open.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::{ApplicationId, InstanceId, ServiceId, UserId, views::EventKind};
use std::{fmt, str::FromStr, time::Duration};
use time::OffsetDateTime;

/// A position in the stream of events; as text `<transaction>-<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventCursor {
    /// The transaction that wrote the event.
    pub transaction: u64,
    /// Its id.
    pub id: i64,
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.transaction, self.id)
    }
}

impl FromStr for EventCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const PROBLEM: &str = "must be the id of an event";
        let (transaction, id) = text.split_once('-').ok_or(PROBLEM)?;
        Ok(Self { transaction: transaction.parse().map_err(|_| PROBLEM)?, id: id.parse().map_err(|_| PROBLEM)? })
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its position.
    pub cursor: EventCursor,
    /// When.
    pub at: OffsetDateTime,
    /// What changed.
    pub kind: EventKind,
    /// In which application.
    pub application_id: Option<ApplicationId>,
    /// In which service.
    pub service_id: Option<ServiceId>,
    /// In which instance.
    pub instance_id: Option<InstanceId>,
}

/// An event to be.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent {
    /// Who may hear of it; nobody but the log when absent.
    pub owner: Option<UserId>,
    /// What changed.
    pub kind: EventKind,
    /// In which application.
    pub application: Option<ApplicationId>,
    /// In which service.
    pub service: Option<ServiceId>,
    /// In which instance.
    pub instance: Option<InstanceId>,
}

/// The word in the database.
pub(crate) const fn kind_word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Application => "application",
        EventKind::Service => "service",
        EventKind::Instance => "instance",
        EventKind::Operation => "operation",
        EventKind::Account => "account",
        EventKind::Gap => "gap",
    }
}

fn kind_of(word: &str) -> Result<EventKind, StoreError> {
    match word {
        "application" => Ok(EventKind::Application),
        "service" => Ok(EventKind::Service),
        "instance" => Ok(EventKind::Instance),
        "operation" => Ok(EventKind::Operation),
        "account" => Ok(EventKind::Account),
        "gap" => Ok(EventKind::Gap),
        other => Err(StoreError::Inconsistent { what: format!("events.kind: unknown kind: {other}") }),
    }
}

fn cursor(transaction: &str, id: i64) -> Result<EventCursor, StoreError> {
    let transaction = crate::error::word("events.txid", transaction)?;
    Ok(EventCursor { transaction, id })
}

impl Store {
    /// An owner's events after a position (all that are kept, without one), in order.
    pub async fn events_after(
        &self,
        owner: UserId,
        after: Option<EventCursor>,
        limit: i64,
    ) -> Result<Vec<EventRow>, StoreError> {
        let after = after.unwrap_or(EventCursor { transaction: 0, id: 0 });
        let rows = sqlx::query!(
            r#"
              select txid::text as "transaction!", id, at, kind, application_id, service_id, instance_id
                from events
               where owner_id = $1
                 and (txid, id) > ($2::text::xid8, $3)
                 and txid < pg_snapshot_xmin(pg_current_snapshot())
            order by txid, id
               limit $4
            "#,
            owner.0,
            after.transaction.to_string(),
            after.id,
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(EventRow {
                    cursor: cursor(&row.transaction, row.id)?,
                    at: row.at,
                    kind: kind_of(&row.kind)?,
                    application_id: row.application_id.map(ApplicationId),
                    service_id: row.service_id.map(ServiceId),
                    instance_id: row.instance_id.map(InstanceId),
                })
            })
            .collect()
    }

    /// The position after everything that can be read now.
    pub async fn events_head(&self) -> Result<EventCursor, StoreError> {
        let transaction =
            sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "transaction!""#)
                .fetch_one(self.pool())
                .await?;
        cursor(&transaction, 0)
    }

    /// Whether a position is so old that events after it may have been forgotten: the reader fetches everything again.
    /// Errs on the safe side when nothing at all is kept from before the position.
    pub async fn events_missed(&self, after: EventCursor) -> Result<bool, StoreError> {
        let missed = sqlx::query_scalar!(
            r#"select not exists (select from events where (txid, id) <= ($1::text::xid8, $2)) as "missed!""#,
            after.transaction.to_string(),
            after.id,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(missed)
    }

    /// Whether there are events that are committed but wait for an older transaction to end.
    pub async fn events_pending(&self) -> Result<bool, StoreError> {
        let pending = sqlx::query_scalar!(
            r#"
            select exists (select from events where txid >= pg_snapshot_xmin(pg_current_snapshot())) as "pending!"
            "#,
        )
        .fetch_one(self.pool())
        .await?;
        Ok(pending)
    }

    /// Forgets events older than `max_age`. Answers how many.
    pub async fn events_prune(&self, max_age: Duration) -> Result<u64, StoreError> {
        let result =
            sqlx::query!("delete from events where at < now() - make_interval(secs => $1)", max_age.as_secs_f64(),)
                .execute(self.pool())
                .await?;
        Ok(result.rows_affected())
    }
}

impl Txn<'_> {
    /// Says what changes, when the transaction commits.
    pub async fn event_append(&mut self, event: &NewEvent) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into events (owner_id, kind, application_id, service_id, instance_id)
            values ($1, $2, $3, $4, $5)
            ",
            event.owner.map(|owner| owner.0),
            kind_word(event.kind),
            event.application.map(|application| application.0),
            event.service.map(|service| service.0),
            event.instance.map(|instance| instance.0),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }
}
