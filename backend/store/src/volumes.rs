//! Table `volumes`: what people do with them. What managers do is in `volume_work`, who has them in `service_volumes`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, typed, unsigned, word},
};
use aerie_domain::{ApplicationId, ServiceId, UserId, VolumeId, VolumeName, VolumeState};
use sqlx::{PgExecutor, types::Uuid};
use time::OffsetDateTime;

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRow {
    /// Id.
    pub id: VolumeId,
    /// Whose.
    pub owner_id: UserId,
    /// The application it belongs to; none when that is gone.
    pub application_id: Option<ApplicationId>,
    /// Name.
    pub name: VolumeName,
    /// A line about what it is for.
    pub note: String,
    /// How it is.
    pub state: VolumeState,
    /// Why it failed.
    pub reason: String,
    /// People are warned above that.
    pub warn_mib: u32,
    /// Bytes on it, as last measured.
    pub size_bytes: Option<u64>,
    /// When that was.
    pub measured_at: Option<OffsetDateTime>,
    /// When created.
    pub created_at: OffsetDateTime,
    /// Since when it is in the trash.
    pub deleted_at: Option<OffsetDateTime>,
    /// The service that keeps its content; none when that is the engine's host.
    pub carried_by: Option<ServiceId>,
    /// How much may be on it, MiB.
    pub quota_mib: Option<u32>,
}

/// A volume to be: empty, or a copy of another one.
#[derive(Debug, Clone)]
pub struct NewVolume {
    /// Id.
    pub id: VolumeId,
    /// Whose.
    pub owner_id: UserId,
    /// The application it belongs to.
    pub application_id: ApplicationId,
    /// Name.
    pub name: VolumeName,
    /// A line about what it is for.
    pub note: String,
    /// People are warned above that.
    pub warn_mib: u32,
    /// What it becomes a copy of.
    pub source: Option<VolumeId>,
    /// The service that keeps its content; none: the engine's host.
    pub carried_by: Option<ServiceId>,
    /// How much may be on it, MiB.
    pub quota_mib: Option<u32>,
}

struct Raw {
    id: Uuid,
    owner_id: Uuid,
    application_id: Option<Uuid>,
    name: String,
    note: String,
    state: String,
    reason: String,
    warn_mib: i32,
    size_bytes: Option<i64>,
    measured_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    deleted_at: Option<OffsetDateTime>,
    carried_by: Option<Uuid>,
    quota_mib: Option<i32>,
}

impl TryFrom<Raw> for VolumeRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        Ok(Self {
            id: VolumeId(raw.id),
            owner_id: UserId(raw.owner_id),
            application_id: raw.application_id.map(ApplicationId),
            name: word("volumes.name", &raw.name)?,
            note: raw.note,
            state: word("volumes.state", &raw.state)?,
            reason: raw.reason,
            warn_mib: unsigned("volumes.warn_mib", raw.warn_mib)?,
            size_bytes: raw.size_bytes.map(|bytes| unsigned("volumes.size_bytes", bytes)).transpose()?,
            measured_at: raw.measured_at,
            created_at: raw.created_at,
            deleted_at: raw.deleted_at,
            carried_by: raw.carried_by.map(ServiceId),
            quota_mib: raw.quota_mib.map(|mib| unsigned("volumes.quota_mib", mib)).transpose()?,
        })
    }
}

macro_rules! select_volumes {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Raw,
            r#"
            select v.id,
                   v.owner_id,
                   v.application_id,
                   v.name,
                   v.note,
                   v.state,
                   v.reason,
                   v.warn_mib,
                   v.size_bytes,
                   v.measured_at,
                   v.created_at,
                   v.deleted_at,
                   v.carried_by,
                   v.quota_mib
              from volumes v
            "# + $rest
            $(, $argument)*
        )
    };
}

async fn of_application(
    executor: impl PgExecutor<'_>,
    application: ApplicationId,
) -> Result<Vec<VolumeRow>, StoreError> {
    let raw = select_volumes!("where v.application_id = $1 and v.deleted_at is null order by v.name", application.0)
        .fetch_all(executor)
        .await?;
    typed(raw)
}

async fn of_carrier(executor: impl PgExecutor<'_>, service: ServiceId) -> Result<Vec<VolumeRow>, StoreError> {
    let raw = select_volumes!("where v.carried_by = $1 order by v.id", service.0).fetch_all(executor).await?;
    typed(raw)
}

impl Store {
    /// One volume.
    pub async fn volume_fetch(&self, id: VolumeId) -> Result<Option<VolumeRow>, StoreError> {
        let raw = select_volumes!("where v.id = $1", id.0).fetch_optional(self.pool()).await?;
        raw.map(VolumeRow::try_from).transpose()
    }

    /// The volumes of an application, by name, without those in the trash.
    pub async fn volume_list(&self, application: ApplicationId) -> Result<Vec<VolumeRow>, StoreError> {
        of_application(self.pool(), application).await
    }

    /// Some volumes, by id.
    pub async fn volumes_fetch(&self, ids: &[VolumeId]) -> Result<Vec<VolumeRow>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let raw = select_volumes!("where v.id = any($1) order by v.id", &ids).fetch_all(self.pool()).await?;
        typed(raw)
    }

    /// The volumes whose content a service keeps, those in the trash as well, by id.
    pub async fn volumes_carried(&self, service: ServiceId) -> Result<Vec<VolumeRow>, StoreError> {
        of_carrier(self.pool(), service).await
    }

    /// What is in a person's trash, newest first.
    pub async fn volume_trash_list(&self, owner: UserId) -> Result<Vec<VolumeRow>, StoreError> {
        let raw = select_volumes!(
            "where v.owner_id = $1 and v.deleted_at is not null order by v.deleted_at desc, v.id",
            owner.0
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }
}

impl Txn<'_> {
    /// One volume, locked until the transaction ends.
    pub async fn volume_lock(&mut self, id: VolumeId) -> Result<Option<VolumeRow>, StoreError> {
        let raw = select_volumes!("where v.id = $1 for update", id.0).fetch_optional(self.connection()).await?;
        raw.map(VolumeRow::try_from).transpose()
    }

    /// [`Store::volume_list`] inside the transaction.
    pub async fn volume_list(&mut self, application: ApplicationId) -> Result<Vec<VolumeRow>, StoreError> {
        of_application(self.connection(), application).await
    }

    /// [`Store::volumes_carried`] inside the transaction.
    pub async fn volumes_carried(&mut self, service: ServiceId) -> Result<Vec<VolumeRow>, StoreError> {
        of_carrier(self.connection(), service).await
    }

    /// Adds a volume. Constraint: `volumes_name_key`.
    pub async fn volume_insert(&mut self, volume: &NewVolume) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            insert into volumes
                   (id, owner_id, application_id, name, note, warn_mib, source_id, carried_by, quota_mib, state)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $7::uuid is null then 'ready' else 'copying' end)
            ",
            volume.id.0,
            volume.owner_id.0,
            volume.application_id.0,
            volume.name.as_str(),
            volume.note,
            i32::try_from(volume.warn_mib).unwrap_or(i32::MAX),
            volume.source.map(|source| source.0),
            volume.carried_by.map(|service| service.0),
            volume.quota_mib.map(|mib| i32::try_from(mib).unwrap_or(i32::MAX)),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Changes what its owner decides. Constraint: `volumes_name_key`.
    pub async fn volume_change(
        &mut self,
        id: VolumeId,
        name: &VolumeName,
        note: &str,
        warn_mib: u32,
        quota_mib: Option<u32>,
    ) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "update volumes set name = $2, note = $3, warn_mib = $4, quota_mib = $5 where id = $1",
            id.0,
            name.as_str(),
            note,
            i32::try_from(warn_mib).unwrap_or(i32::MAX),
            quota_mib.map(|mib| i32::try_from(mib).unwrap_or(i32::MAX)),
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }

    /// Moves a volume to the trash.
    pub async fn volume_trash(&mut self, id: VolumeId) -> Result<(), StoreError> {
        let result = sqlx::query!("update volumes set deleted_at = now() where id = $1 and deleted_at is null", id.0)
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Moves all volumes of an application to the trash: it is about to go.
    pub async fn volumes_trash(&mut self, application: ApplicationId) -> Result<(), StoreError> {
        sqlx::query!(
            "update volumes set deleted_at = now() where application_id = $1 and deleted_at is null",
            application.0
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a volume out of the trash, into an application, unless its time there is over. Constraint: `volumes_name_key`.
    pub async fn volume_restore(&mut self, id: VolumeId, application: ApplicationId) -> Result<(), StoreError> {
        let result = sqlx::query!(
            "
            update volumes
               set deleted_at     = null,
                   application_id = $2
             where id = $1
               and deleted_at > now() - interval '7 days'
            ",
            id.0,
            application.0,
        )
        .execute(self.connection())
        .await?;
        ensure_affected(&result, 1)
    }
}
