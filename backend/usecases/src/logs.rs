//! Who may read which logs. The lines themselves come from the cloud; only the manager's are rows.

use crate::{Actor, Failure, Outcome, UseCases};
use aerie_domain::{
    InstanceId, ServiceId,
    views::{LogLine, LogSource},
};
use aerie_store::ManagerLogRow;
use async_recursion::async_recursion as boxed;
use time::OffsetDateTime;

/// What an owner may read of a service's instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogAccess {
    /// The service.
    pub service: ServiceId,
    /// Its instances, also those that are gone but whose logs are kept; oldest first.
    pub instances: Vec<LoggedInstance>,
}

/// An instance with logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedInstance {
    /// Id.
    pub id: InstanceId,
    /// Short id.
    pub short: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was removed; absent while it exists.
    pub removed_at: Option<OffsetDateTime>,
}

impl UseCases {
    /// The instances whose logs the actor may read.
    #[boxed]
    pub async fn log_access(&self, actor: &Actor, service: ServiceId) -> Outcome<LogAccess> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let removed = self.store().removed_instance_list(service.id).await?;
        let present = self.store().instances_of_services(&[service.id]).await?;
        let mut instances: Vec<LoggedInstance> = removed
            .into_iter()
            .map(|row| LoggedInstance {
                id: row.id,
                short: row.short,
                roles: row.roles.into_iter().map(|role| role.role.to_string()).collect(),
                created_at: row.created_at,
                removed_at: Some(row.removed_at),
            })
            .chain(present.into_iter().map(|row| LoggedInstance {
                id: row.id,
                short: row.short,
                roles: row.roles.into_iter().map(|role| role.role.to_string()).collect(),
                created_at: row.created_at,
                removed_at: None,
            }))
            .collect();
        instances.sort_by_key(|instance| (instance.created_at, instance.id));
        Ok(LogAccess { service: service.id, instances })
    }

    /// The manager's newest `limit` lines, or those after a row, oldest first, each with its row number.
    #[boxed]
    pub async fn manager_log(
        &self,
        actor: &Actor,
        service: ServiceId,
        after: Option<i64>,
        limit: u32,
    ) -> Outcome<Vec<(i64, LogLine)>> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let limit = i64::from(limit.clamp(1, 10_000));
        let rows = match after {
            Some(row) => self.store().manager_log_after(service.id, row, limit).await?,
            None => self.store().manager_log_tail(service.id, limit).await?,
        };
        Ok(rows.into_iter().map(line).collect())
    }

    /// Whether a stream about a service that was opened earlier may go on. Faults count as "yes", as in
    /// [`Self::actor_still_valid`].
    #[boxed]
    pub async fn still_allowed(&self, actor: &Actor, service: ServiceId) -> bool {
        if !self.actor_still_valid(actor).await {
            return false;
        }
        !matches!(self.readable_service(actor, service).await, Err(Failure::Refused(_)))
    }
}

fn line(row: ManagerLogRow) -> (i64, LogLine) {
    let line = LogLine {
        at: row.at,
        source: LogSource::Manager,
        instance: String::new(),
        role: "manager".to_owned(),
        stream: row.level.to_string(),
        text: row.text,
    };
    (row.id, line)
}
