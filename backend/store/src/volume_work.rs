//! Table `volumes`: what has to be done with their content. Whoever takes a piece of work has it for a minute, and renews
//! that while it takes longer; what a director that died had taken is taken by the next.

use crate::{Store, StoreError};
use aerie_domain::{ApplicationId, UserId, VolumeId};

/// A snapshot that has to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyWork {
    /// The copy.
    pub volume: VolumeId,
    /// What is copied.
    pub source: VolumeId,
    /// Whose they are.
    pub owner: UserId,
    /// Where the copy is shown.
    pub application: Option<ApplicationId>,
}

impl Store {
    /// Takes the oldest snapshot that nobody works on.
    pub async fn volume_copy_take(&self) -> Result<Option<CopyWork>, StoreError> {
        let raw = sqlx::query!(
            r#"
               update volumes
                  set work_until = now() + interval '1 minute'
                where id = (select id
                              from volumes
                             where state = 'copying'
                               and (work_until is null or work_until < now())
                             order by created_at
                             limit 1
                               for update skip locked)
            returning id, source_id as "source_id!", owner_id, application_id
            "#,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(raw.map(|raw| CopyWork {
            volume: VolumeId(raw.id),
            source: VolumeId(raw.source_id),
            owner: UserId(raw.owner_id),
            application: raw.application_id.map(ApplicationId),
        }))
    }

    /// It takes longer.
    pub async fn volume_work_renew(&self, id: VolumeId) -> Result<(), StoreError> {
        sqlx::query!("update volumes set work_until = now() + interval '1 minute' where id = $1", id.0)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// It cannot be done yet: whoever comes first tries again in some seconds. Later: what was only a moment too early is felt.
    pub async fn volume_work_later(&self, id: VolumeId) -> Result<(), StoreError> {
        sqlx::query!("update volumes set work_until = now() + interval '5 seconds' where id = $1", id.0)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// A snapshot is complete, or there is a reason why it will not be.
    pub async fn volume_copy_end(&self, id: VolumeId, failure: Option<&str>) -> Result<(), StoreError> {
        sqlx::query!(
            "
            update volumes
               set state       = case when $2::text is null then 'ready' else 'failed' end,
                   reason      = coalesce($2, ''),
                   work_until  = null,
                   measured_at = null
             where id = $1
               and state = 'copying'
            ",
            id.0,
            failure,
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Takes a volume whose size nobody knows: one that was never measured or has changed hands, or that a running service
    /// has and that was measured ten minutes ago.
    pub async fn volume_measure_take(&self) -> Result<Option<VolumeId>, StoreError> {
        let id = sqlx::query_scalar!(
            "
               update volumes
                  set work_until = now() + interval '1 minute'
                where id = (select v.id
                              from volumes v
                             where v.deleted_at is null
                               and v.state = 'ready'
                               and (v.work_until is null or v.work_until < now())
                               and (v.measured_at is null
                                    or v.measured_at < now() - interval '10 minutes'
                                       and exists (select 1
                                                     from service_volumes a
                                                     join services s on s.id = a.service_id
                                                    where a.volume_id = v.id
                                                      and s.desired = 'running'))
                             order by v.measured_at nulls first
                             limit 1
                               for update skip locked)
            returning id
            ",
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(id.map(VolumeId))
    }

    /// How much is on it is to be looked at anew: it was changed by hand.
    pub async fn volume_measure_soon(&self, id: VolumeId) -> Result<(), StoreError> {
        sqlx::query!("update volumes set measured_at = null where id = $1", id.0).execute(self.pool()).await?;
        Ok(())
    }

    /// So many bytes are on it.
    pub async fn volume_measured(&self, id: VolumeId, bytes: u64) -> Result<(), StoreError> {
        sqlx::query!(
            "update volumes set size_bytes = $2, measured_at = now(), work_until = null where id = $1",
            id.0,
            i64::try_from(bytes).unwrap_or(i64::MAX),
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Volumes whose time in the trash is over.
    pub async fn volumes_expired(&self) -> Result<Vec<VolumeId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "select id from volumes where deleted_at < now() - interval '7 days' order by deleted_at limit 100"
        )
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(VolumeId).collect())
    }

    /// The content is gone: so is the volume. Not if it was taken out of the trash meanwhile.
    pub async fn volume_forget(&self, id: VolumeId) -> Result<(), StoreError> {
        sqlx::query!("delete from volumes where id = $1 and deleted_at < now() - interval '7 days'", id.0)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
