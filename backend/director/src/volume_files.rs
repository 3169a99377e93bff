//! The files of volumes, for the use cases: by the cloud, a few at a time.

use aerie_cloud::{Cloud, CloudError, CloudErrorKind, VolumeFile, VolumeSpec};
use aerie_domain::{Problem, ProblemCode, VolumeId, VolumePath, views::VolumeFolderView};
use aerie_kinds::Kinds;
use aerie_manager::carriers;
use aerie_store::{Store, StoreError};
use aerie_usecases::{VolumeContent, VolumeFiles};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Containers for files that are started at a time. More: a class that looks at its files slows down starts; fewer: it waits
/// for each other.
const AT_ONCE: usize = 3;

/// How long to wait for a turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Works with files in the cloud.
pub struct CloudFiles {
    cloud: Arc<dyn Cloud>,
    store: Store,
    kinds: Kinds,
    installation: String,
    turns: Semaphore,
}

impl CloudFiles {
    /// For the volumes of an installation.
    pub fn new(cloud: Arc<dyn Cloud>, store: Store, kinds: Kinds, installation: &str) -> Self {
        Self { cloud, store, kinds, installation: installation.to_owned(), turns: Semaphore::new(AT_ONCE) }
    }

    async fn spec(&self, id: VolumeId) -> Result<VolumeSpec, Problem> {
        let unknown = |error: StoreError| {
            tracing::warn!(error = crate::errors::chain(&error), "where a volume lies is not known");
            Problem::new(ProblemCode::Unavailable, "The database does not answer. Try again in a moment.")
        };
        let row = self.store.volume_fetch(id).await.map_err(unknown)?.ok_or_else(|| Problem::not_found("volume"))?;
        let spec = carriers::volume_spec(&self.store, &self.kinds, &self.installation, &row).await.map_err(unknown)?;
        spec.map_err(|service| {
            let detail = format!("{service} keeps what is on this volume and is not running. Start it first.");
            Problem::new(ProblemCode::Conflict, detail)
        })
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        match timeout(PATIENCE, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Problem::new(
                ProblemCode::Unavailable,
                "Many people look at their files now. Try again in a moment.",
            )),
        }
    }
}

#[async_trait]
impl VolumeFiles for CloudFiles {
    async fn folder(&self, volume: VolumeId, path: &VolumePath) -> Result<VolumeFolderView, Problem> {
        let _turn = self.turn().await?;
        self.cloud.volume_folder(&self.spec(volume).await?, path).await.map_err(|error| problem(&error, path))
    }

    async fn read(&self, volume: VolumeId, path: &VolumePath) -> Result<VolumeContent, Problem> {
        // until it begins: how long it takes is up to whoever receives it
        let _turn = self.turn().await?;
        let file =
            self.cloud.volume_read(&self.spec(volume).await?, path).await.map_err(|error| problem(&error, path))?;
        Ok(VolumeContent { bytes: file.bytes, content: file.content })
    }

    async fn write(&self, volume: VolumeId, path: &VolumePath, content: VolumeContent) -> Result<(), Problem> {
        let _turn = self.turn().await?;
        let file = VolumeFile { bytes: content.bytes, content: content.content };
        self.cloud.volume_write(&self.spec(volume).await?, path, file).await.map_err(|error| problem(&error, path))
    }

    async fn delete(&self, volume: VolumeId, path: &VolumePath) -> Result<(), Problem> {
        let _turn = self.turn().await?;
        self.cloud.volume_delete(&self.spec(volume).await?, path).await.map_err(|error| problem(&error, path))
    }
}

fn problem(error: &CloudError, path: &VolumePath) -> Problem {
    let name = if path.is_top() { "The volume" } else { path.as_str() };
    match error.kind {
        CloudErrorKind::NotFound => Problem::not_found("file on this volume"),
        CloudErrorKind::Conflict => Problem::new(ProblemCode::Conflict, format!("{name}: {error}.")),
        _ => {
            tracing::warn!(error = crate::errors::chain(error), "the files of a volume could not be worked with");
            Problem::new(ProblemCode::Unavailable, format!("{name}: {error}. Try again in a moment."))
        }
    }
}
