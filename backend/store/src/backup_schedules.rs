//! Table `backup_schedules`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, unsigned, word},
};
use aerie_domain::{ServiceId, views::BackupSchedule};
use std::time::Duration;
use time::OffsetDateTime;

impl Store {
    /// When backups of a service are made by themselves, and when the next one is due; nothing when nobody said.
    pub async fn backup_schedule(
        &self,
        service: ServiceId,
    ) -> Result<Option<(BackupSchedule, Option<OffsetDateTime>)>, StoreError> {
        let raw = sqlx::query!("select every, keep, due_at from backup_schedules where service_id = $1", service.0)
            .fetch_optional(self.pool())
            .await?;
        raw.map(|raw| {
            let (every, keep) = (word("backup_schedules.every", &raw.every)?, raw.keep);
            let keep = unsigned("backup_schedules.keep", keep)?;
            Ok((BackupSchedule { every, keep }, raw.due_at))
        })
        .transpose()
    }

    /// Services whose next backup is due and could be made: they are meant to run, and nothing goes on in them.
    pub async fn backups_due(&self) -> Result<Vec<ServiceId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "
              select s.service_id
                from backup_schedules s
                join services v on v.id = s.service_id
               where s.due_at <= now()
                 and v.desired = 'running'
                 and not exists (
                         select from backup_jobs j where j.service_id = s.service_id and j.ended_at is null
                     )
            order by s.due_at
            ",
        )
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(ServiceId).collect())
    }
}

impl Txn<'_> {
    /// Sets how often backups are made. The first one is due `first` from now; one that was due earlier stays so.
    pub async fn backup_schedule_set(
        &mut self,
        service: ServiceId,
        schedule: &BackupSchedule,
        first: Option<Duration>,
    ) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into backup_schedules as s (service_id, every, keep, due_at)
            values ($1, $2, $3, now() + make_interval(secs => $4))
            on conflict (service_id) do update
               set every  = excluded.every,
                   keep   = excluded.keep,
                   -- null when there is none on either side
                   due_at = case when excluded.due_at is null then null else least(s.due_at, excluded.due_at) end
            ",
            service.0,
            schedule.every.as_str(),
            i32::try_from(schedule.keep).unwrap_or(i32::MAX),
            first.map(|first| first.as_secs_f64()),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// How many scheduled backups of a service are kept; nothing when nobody said.
    pub async fn backup_keep_scheduled(&mut self, service: ServiceId) -> Result<Option<i64>, StoreError> {
        let keep = sqlx::query_scalar!("select keep from backup_schedules where service_id = $1", service.0)
            .fetch_optional(self.connection())
            .await?;
        Ok(keep.map(i64::from))
    }

    /// Takes the backup that is due: the next one is due `next` from now. False when none is, or somebody else took it.
    pub async fn backup_schedule_take(&mut self, service: ServiceId, next: Duration) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            update backup_schedules
               set due_at = now() + make_interval(secs => $2)
             where service_id = $1
               and due_at <= now()
            ",
            service.0,
            next.as_secs_f64(),
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }
}
