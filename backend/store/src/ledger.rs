//! Tables `ledger_*`: who has how much credit, and every movement of it. Double entry: the database refuses a booking
//! whose entries do not sum to zero, a second charge for the same part of an instance's time, and every change of what
//! was booked. Amounts are micros: millionths of a credit. What is charged is in `charging`.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::{CreditLevel, InstanceId, ServiceId, UserId};
use sqlx::PgExecutor;
use time::{Date, OffsetDateTime};

/// A user's credit, in micros unless the name says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditRow {
    /// What is left; below zero when overdrawn by the last minute.
    pub balance_micros: i64,
    /// What there was right after the last grant.
    pub allowance_micros: i64,
    /// How far it is used.
    pub level: CreditLevel,
    /// What the present instances cost per hour, thousandths of a credit.
    pub per_hour_millis: i64,
}

/// Credit that is given or, below zero, taken back.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// To whom.
    pub user: UserId,
    /// How much.
    pub micros: i64,
    /// Why, for both to read.
    pub reason: String,
    /// Who gives; nobody for the platform itself.
    pub actor: Option<UserId>,
}

/// One line of a user's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntryRow {
    /// Id; later ones are higher.
    pub id: i64,
    /// When booked.
    pub at: OffsetDateTime,
    /// A grant rather than a charge.
    pub is_grant: bool,
    /// Added to the balance.
    pub micros: i64,
    /// Why it was granted.
    pub reason: String,
    /// Who granted it.
    pub actor: Option<String>,
    /// What was charged for: `blog/php`.
    pub label: Option<String>,
    /// The service, which may be gone.
    pub service_id: Option<ServiceId>,
    /// The instance, which may be gone.
    pub instance_id: Option<InstanceId>,
    /// For how long, ms.
    pub charged_ms: Option<i64>,
}

/// What a service cost on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerDayRow {
    /// The day, UTC.
    pub day: Date,
    /// `blog/php`.
    pub label: String,
    /// The service, which may be gone.
    pub service_id: ServiceId,
    /// What it cost, micros.
    pub micros: i64,
}

/// The word for a level in the database: per cent used.
pub(crate) fn level(percent: i16) -> Result<CreditLevel, StoreError> {
    match percent {
        0 => Ok(CreditLevel::Fine),
        80 => Ok(CreditLevel::Low),
        95 => Ok(CreditLevel::VeryLow),
        100 => Ok(CreditLevel::UsedUp),
        other => Err(StoreError::Inconsistent { what: format!("ledger_accounts.level: unknown level: {other}") }),
    }
}

async fn credit(executor: impl PgExecutor<'_>, id: UserId) -> Result<CreditRow, StoreError> {
    let row = sqlx::query!(
        r#"
        select a.balance_micros,
               a.allowance_micros,
               a.level as "level!",
               (select coalesce(sum(m.price_millis_per_hour), 0)::bigint
                  from instance_meters m
                 where m.owner_id = $1
                   and m.ended_at is null
                   and not m.settled) as "per_hour_millis!"
          from ledger_accounts a
         where a.user_id = $1
        "#,
        id.0,
    )
    .fetch_optional(executor)
    .await?
    .ok_or(StoreError::RowsAffected { expected: 1, actual: 0 })?;
    Ok(CreditRow {
        balance_micros: row.balance_micros,
        allowance_micros: row.allowance_micros,
        level: level(row.level)?,
        per_hour_millis: row.per_hour_millis,
    })
}

impl Store {
    /// A user's credit now. The system user has none: [`StoreError::RowsAffected`].
    pub async fn user_credit(&self, id: UserId) -> Result<CreditRow, StoreError> {
        credit(self.pool(), id).await
    }

    /// A user's entries before the given one, newest first.
    pub async fn ledger_entries(
        &self,
        user: UserId,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<LedgerEntryRow>, StoreError> {
        let rows = sqlx::query!(
            r#"
               select e.id,
                      b.at,
                      b.kind = 'grant' as "is_grant!",
                      e.amount_micros,
                      b.reason,
                      u.name as "actor?",
                      m.label as "label?",
                      m.service_id as "service_id?",
                      e.instance_id,
                      e.until_ms - e.from_ms as charged_ms
                 from ledger_accounts a
                 join ledger_entries e on e.account_id = a.id
                 join ledger_bookings b on b.id = e.booking_id
            left join users u on u.id = b.actor_id
            left join instance_meters m on m.instance_id = e.instance_id
                where a.user_id = $1
                  and ($2::bigint is null or e.id < $2)
             order by e.id desc
                limit $3
            "#,
            user.0,
            before,
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        let entries = rows.into_iter().map(|row| LedgerEntryRow {
            id: row.id,
            at: row.at,
            is_grant: row.is_grant,
            micros: row.amount_micros,
            reason: row.reason,
            actor: row.actor,
            label: row.label,
            service_id: row.service_id.map(ServiceId),
            instance_id: row.instance_id.map(InstanceId),
            charged_ms: row.charged_ms,
        });
        Ok(entries.collect())
    }

    /// What each service of a user's cost on each day (UTC) since a time, newest day and most expensive first.
    pub async fn ledger_days(&self, user: UserId, since: OffsetDateTime) -> Result<Vec<LedgerDayRow>, StoreError> {
        let rows = sqlx::query_as!(
            LedgerDayRaw,
            r#"
              select (b.at at time zone 'UTC')::date as "day!",
                     max(m.label) as "label!",
                     m.service_id,
                     -sum(e.amount_micros)::bigint as "micros!"
                from ledger_bookings b
                join ledger_entries e on e.booking_id = b.id
                join instance_meters m on m.instance_id = e.instance_id
               where b.user_id = $1
                 and b.at >= $2
            group by 1, m.service_id
            order by 1 desc, 4 desc, m.service_id
            "#,
            user.0,
            since,
        )
        .fetch_all(self.pool())
        .await?;
        let days = rows.into_iter().map(|row| LedgerDayRow {
            day: row.day,
            label: row.label,
            service_id: ServiceId(row.service_id),
            micros: row.micros,
        });
        Ok(days.collect())
    }

    /// The services that are wanted though their owner has nothing left.
    pub async fn services_without_credit(&self) -> Result<Vec<ServiceId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "
              select s.id
                from ledger_accounts l
                join applications a on a.owner_id = l.user_id
                join services s on s.application_id = a.id
               where l.balance_micros <= 0
                 and s.desired = 'running'
            order by s.id
            ",
        )
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(ServiceId).collect())
    }
}

struct LedgerDayRaw {
    day: Date,
    label: String,
    service_id: sqlx::types::Uuid,
    micros: i64,
}

impl Txn<'_> {
    /// [`Store::user_credit`] inside the transaction.
    pub async fn user_credit(&mut self, id: UserId) -> Result<CreditRow, StoreError> {
        credit(self.connection(), id).await
    }

    /// Opens a new user's account.
    pub(crate) async fn ledger_open(&mut self, user: UserId) -> Result<(), StoreError> {
        let result = sqlx::query!("insert into ledger_accounts (kind, user_id) values ('user', $1)", user.0)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Books a grant. Warnings begin anew: they are shares of what there is right after it.
    pub async fn ledger_grant(&mut self, grant: &NewGrant) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            with booked as (
                insert into ledger_bookings (at, kind, user_id, reason, actor_id)
                values (now(), 'grant', $1, $3, $4)
                returning id
            )
            insert into ledger_entries (booking_id, account_id, amount_micros)
            select booked.id, a.id, case a.kind when 'user' then $2::bigint else -$2::bigint end
              from booked, ledger_accounts a
             where a.user_id = $1
                or a.kind = 'issued'
            ",
            grant.user.0,
            grant.micros,
            grant.reason,
            grant.actor.map(|actor| actor.0),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 2)?;
        let result = sqlx::query!(
            "update ledger_accounts set allowance_micros = greatest(balance_micros, 0) where user_id = $1",
            grant.user.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// The users whose level is another than they were last told, and which it is. They count as told from now on.
    pub async fn ledger_levels_to_tell(&mut self) -> Result<Vec<(UserId, CreditLevel)>, StoreError> {
        let rows = sqlx::query!(
            r#"
               update ledger_accounts
                  set told = level
                where told <> level
                  and user_id is not null
            returning user_id as "user_id!", level as "level!"
            "#,
        )
        .fetch_all(self.connection())
        .await?;
        rows.into_iter().map(|row| Ok((UserId(row.user_id), level(row.level)?))).collect()
    }
}
