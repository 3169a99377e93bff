//! Table `manager_log`.

use crate::{
    Store, StoreError, Txn,
    error::{typed, word},
};
use aerie_domain::ServiceId;
use sqlx::PgExecutor;
use std::{fmt, str::FromStr, time::Duration};
use time::OffsetDateTime;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// What the manager does and why.
    Info,
    /// Something went wrong and will be tried again.
    Warn,
    /// Something that the owner has to change.
    Error,
}

impl LogLevel {
    /// The word, as in the database and the pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            other => Err(format!("unknown level: {other}")),
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerLogRow {
    /// Later lines have higher ids.
    pub id: i64,
    /// When.
    pub at: OffsetDateTime,
    /// How much it matters.
    pub level: LogLevel,
    /// Text.
    pub text: String,
}

struct ManagerLogRaw {
    id: i64,
    at: OffsetDateTime,
    level: String,
    text: String,
}

impl TryFrom<ManagerLogRaw> for ManagerLogRow {
    type Error = StoreError;

    fn try_from(raw: ManagerLogRaw) -> Result<Self, StoreError> {
        Ok(Self { id: raw.id, at: raw.at, level: word("manager_log.level", &raw.level)?, text: raw.text })
    }
}

/// Nothing happens when the service is gone: its log went with it.
async fn append(
    executor: impl PgExecutor<'_>,
    service: ServiceId,
    level: LogLevel,
    text: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into manager_log (service_id, level, text) select id, $2, $3 from services where id = $1",
        service.0,
        level.as_str(),
        text,
    )
    .execute(executor)
    .await?;
    Ok(())
}

impl Store {
    /// Writes a line, now. Does nothing when the service is gone.
    pub async fn manager_log_append(&self, service: ServiceId, level: LogLevel, text: &str) -> Result<(), StoreError> {
        append(self.pool(), service, level, text).await
    }

    /// The newest lines, oldest first.
    pub async fn manager_log_tail(&self, service: ServiceId, limit: i64) -> Result<Vec<ManagerLogRow>, StoreError> {
        let raw = sqlx::query_as!(
            ManagerLogRaw,
            r#"
              select id as "id!", at as "at!", level as "level!", text as "text!"
                from (select * from manager_log where service_id = $1 order by id desc limit $2) newest
            order by id
            "#,
            service.0,
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// The first lines after one, oldest first. One manager at a time writes a service's log, so ids are in order.
    pub async fn manager_log_after(
        &self,
        service: ServiceId,
        id: i64,
        limit: i64,
    ) -> Result<Vec<ManagerLogRow>, StoreError> {
        let raw = sqlx::query_as!(
            ManagerLogRaw,
            "
              select id, at, level, text
                from manager_log
               where service_id = $1
                 and id > $2
            order by id
               limit $3
            ",
            service.0,
            id,
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// Forgets lines older than `max_age` and all but the newest `max_lines` of each service. Answers how many.
    pub async fn manager_log_prune(&self, max_age: Duration, max_lines: i64) -> Result<u64, StoreError> {
        let result = sqlx::query!(
            "
            delete from manager_log
             where at < now() - make_interval(secs => $1)
                or id in (select id
                            from (select id, row_number() over (partition by service_id order by id desc) as place
                                    from manager_log) placed
                           where place > $2)
            ",
            max_age.as_secs_f64(),
            max_lines,
        )
        .execute(self.pool())
        .await?;
        Ok(result.rows_affected())
    }
}

impl Txn<'_> {
    /// Writes a line with the transaction.
    pub async fn manager_log_append(
        &mut self,
        service: ServiceId,
        level: LogLevel,
        text: &str,
    ) -> Result<(), StoreError> {
        append(self.connection(), service, level, text).await
    }
}
