//! Table `service_volumes`: which service has which volume, and where.

use crate::{Store, StoreError, Txn, error::ensure_affected};
use aerie_domain::{ServiceId, VolumeId};
use sqlx::{PgExecutor, types::Uuid};

/// A volume that a service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRow {
    /// The service.
    pub service_id: ServiceId,
    /// The volume.
    pub volume_id: VolumeId,
    /// Where its instances see it.
    pub path: String,
    /// They cannot write to it.
    pub read_only: bool,
}

struct Raw {
    service_id: Uuid,
    volume_id: Uuid,
    path: String,
    read_only: bool,
}

impl From<Raw> for AttachmentRow {
    fn from(raw: Raw) -> Self {
        Self {
            service_id: ServiceId(raw.service_id),
            volume_id: VolumeId(raw.volume_id),
            path: raw.path,
            read_only: raw.read_only,
        }
    }
}

async fn of_volumes(executor: impl PgExecutor<'_>, volumes: &[VolumeId]) -> Result<Vec<AttachmentRow>, StoreError> {
    let volumes: Vec<Uuid> = volumes.iter().map(|id| id.0).collect();
    let raw = sqlx::query_as!(
        Raw,
        "
        select service_id,
               volume_id,
               path,
               read_only
          from service_volumes
         where volume_id = any($1)
         order by created_at, service_id
        ",
        &volumes,
    )
    .fetch_all(executor)
    .await?;
    Ok(raw.into_iter().map(AttachmentRow::from).collect())
}

async fn of_service(executor: impl PgExecutor<'_>, service: ServiceId) -> Result<Vec<AttachmentRow>, StoreError> {
    let raw = sqlx::query_as!(
        Raw,
        "
        select service_id,
               volume_id,
               path,
               read_only
          from service_volumes
         where service_id = $1
         order by path
        ",
        service.0,
    )
    .fetch_all(executor)
    .await?;
    Ok(raw.into_iter().map(AttachmentRow::from).collect())
}

impl Store {
    /// The volumes that a service has, by path.
    pub async fn attachments_of_service(&self, service: ServiceId) -> Result<Vec<AttachmentRow>, StoreError> {
        of_service(self.pool(), service).await
    }

    /// Who has these volumes, oldest first.
    pub async fn attachments_of_volumes(&self, volumes: &[VolumeId]) -> Result<Vec<AttachmentRow>, StoreError> {
        of_volumes(self.pool(), volumes).await
    }
}

impl Txn<'_> {
    /// [`Store::attachments_of_service`] inside the transaction.
    pub async fn attachments_of_service(&mut self, service: ServiceId) -> Result<Vec<AttachmentRow>, StoreError> {
        of_service(self.connection(), service).await
    }

    /// [`Store::attachments_of_volumes`] inside the transaction.
    pub async fn attachments_of_volumes(&mut self, volumes: &[VolumeId]) -> Result<Vec<AttachmentRow>, StoreError> {
        of_volumes(self.connection(), volumes).await
    }

    /// Gives a volume to a service, or changes how it has it. Constraint: `service_volumes_path_key`.
    pub async fn attachment_put(&mut self, attachment: &AttachmentRow) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into service_volumes (service_id, volume_id, path, read_only)
            values ($1, $2, $3, $4)
                on conflict (service_id, volume_id)
                   do update set path = excluded.path, read_only = excluded.read_only
            ",
            attachment.service_id.0,
            attachment.volume_id.0,
            attachment.path,
            attachment.read_only,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Takes a volume away from a service; tells whether it had it. How much is on it is looked at anew.
    pub async fn attachment_delete(&mut self, service: ServiceId, volume: VolumeId) -> Result<bool, StoreError> {
        let gone = sqlx::query_scalar!(
            r#"
              with gone as (delete from service_volumes where service_id = $1 and volume_id = $2 returning volume_id)
            update volumes v
               set measured_at = null
              from gone
             where v.id = gone.volume_id
            returning v.id
            "#,
            service.0,
            volume.0,
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(gone.is_some())
    }
}
