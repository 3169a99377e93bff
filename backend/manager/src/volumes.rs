//! What has to be done with people's volumes beside mounting them: copies, looking how much is on them, and the end of those
//! that were in the trash for long enough.
//!
//! Called by the manager; calls store and cloud. Several directors share the work: each piece is taken in the database
//! for a minute at a time, and every piece may be repeated.

use crate::{ManagerSettings, backoff, carriers, explain};
use aerie_cloud::{Cloud, CloudError, CloudErrorKind, VolumeSpec};
use aerie_domain::{VolumeId, views::EventKind};
use aerie_kinds::Kinds;
use aerie_store::{CopyWork, NewEvent, Store, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::time::{interval, sleep};

/// How often to look whether there is something to do. Longer: copies begin later; shorter: more questions to the database.
const PACE: Duration = Duration::from_secs(2);

/// How often a copy that takes long renews its minute.
const RENEWAL: Duration = Duration::from_secs(20);

/// How often to look what is to be removed.
const TRASH_PACE: Duration = Duration::from_secs(60);

/// Looks after volumes.
pub(crate) struct Volumes {
    store: Store,
    cloud: Arc<dyn Cloud>,
    settings: Arc<ManagerSettings>,
    kinds: Kinds,
}

impl Volumes {
    pub fn new(store: Store, cloud: Arc<dyn Cloud>, settings: Arc<ManagerSettings>, kinds: Kinds) -> Self {
        Self { store, cloud, settings, kinds }
    }

    /// Works for ever. Dropped anywhere, it leaves work that somebody else takes a minute later.
    pub async fn run(&self) {
        tokio::join!(self.work(), self.empty_trash());
    }

    async fn work(&self) {
        loop {
            match self.work_once().await {
                Ok(true) => {}
                Ok(false) => sleep(backoff::jitter(PACE)).await,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "work on volumes could not be looked for");
                    sleep(PACE * 5).await;
                }
            }
        }
    }

    async fn empty_trash(&self) {
        loop {
            if let Err(error) = self.remove_expired().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the trash could not be emptied");
            }
            sleep(backoff::jitter(TRASH_PACE)).await;
        }
    }

    /// Does one piece of work; whether there was one.
    async fn work_once(&self) -> Result<bool, StoreError> {
        if let Some(work) = self.store.volume_copy_take().await? {
            self.copy(work).await?;
            return Ok(true);
        }
        if let Some(id) = self.store.volume_measure_take().await? {
            self.measure(id).await?;
            return Ok(true);
        }
        Ok(false)
    }

    async fn copy(&self, work: CopyWork) -> Result<(), StoreError> {
        let (Some(to), Some(from)) = (self.spec(work.volume).await?, self.spec(work.source).await?) else {
            // the service that keeps one of them is away, or has not made a folder for the copy yet
            return self.store.volume_work_later(work.volume).await;
        };
        let copying = async {
            // one that nobody had yet is not there yet
            self.cloud.ensure_volume(&from).await?;
            self.cloud.copy_volume(&from, &to).await
        };
        let renewing = async {
            let mut tick = interval(RENEWAL);
            loop {
                tick.tick().await;
                if let Err(error) = self.store.volume_work_renew(work.volume).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a copy could not be renewed");
                }
            }
        };
        let result: Result<(), CloudError> = tokio::select! {
            // Dropping it leaves a helper, which whoever repeats the copy removes first.
            result = copying => result,
            () = renewing => Ok(()),
        };
        match result {
            Ok(()) => self.store.volume_copy_end(work.volume, None).await?,
            // the engine is away: later, by whoever comes first
            Err(error) if error.kind == CloudErrorKind::Unreachable => return Ok(()),
            Err(error) => {
                tracing::warn!(volume.id = %work.volume, error = &error as &dyn std::error::Error, "a copy failed");
                self.store.volume_copy_end(work.volume, Some(&explain::cloud(&error))).await?;
            }
        }
        let mut txn = self.store.begin().await?;
        txn.event_append(&NewEvent {
            owner: Some(work.owner),
            kind: EventKind::Application,
            application: work.application,
            service: None,
            instance: None,
        })
        .await?;
        txn.commit().await
    }

    async fn measure(&self, id: VolumeId) -> Result<(), StoreError> {
        let Some(spec) = self.spec(id).await? else { return Ok(()) };
        let measured = async {
            self.cloud.ensure_volume(&spec).await?;
            self.cloud.volume_bytes(&spec).await
        };
        match measured.await {
            Ok(bytes) => self.store.volume_measured(id, bytes).await,
            // its minute passes, then somebody tries again
            Err(error) => {
                tracing::warn!(volume.id = %id, error = &error as &dyn std::error::Error, "a volume was not measured");
                Ok(())
            }
        }
    }

    /// The content first, the row second: what a crash leaves in between is found again.
    async fn remove_expired(&self) -> Result<(), StoreError> {
        for id in self.store.volumes_expired().await? {
            let Some(spec) = self.spec(id).await? else { continue };
            let removed = match spec.carrier {
                Some(_) => self.cloud.empty_volume(&spec).await,
                None => self.cloud.remove_volume(&spec.name).await,
            };
            match removed {
                Ok(()) => {
                    tracing::info!(volume.id = %id, "a volume was removed: its time in the trash is over");
                    self.store.volume_forget(id).await?;
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(volume.id = %id, error, "a volume in the trash could not be removed");
                }
            }
        }
        Ok(())
    }

    /// Nothing while the service that keeps it cannot be reached, and when the volume is gone.
    async fn spec(&self, id: VolumeId) -> Result<Option<VolumeSpec>, StoreError> {
        let Some(row) = self.store.volume_fetch(id).await? else { return Ok(None) };
        let spec = carriers::volume_spec(&self.store, &self.kinds, &self.settings.installation, &row).await?;
        Ok(spec.ok())
    }
}
