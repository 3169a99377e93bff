//! The files of volumes, for the use cases: by the cloud, a few at a time.

use aerie_cloud::{Cloud, CloudError, CloudErrorKind, VolumeFile, VolumeOwner, VolumeSpec};
use aerie_domain::{Problem, ProblemCode, VolumeId, VolumePath, views::VolumeFolderView};
use aerie_manager::names;
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
    installation: String,
    turns: Semaphore,
}

impl CloudFiles {
    /// For the volumes of an installation.
    pub fn new(cloud: Arc<dyn Cloud>, installation: &str) -> Self {
        Self { cloud, installation: installation.to_owned(), turns: Semaphore::new(AT_ONCE) }
    }

    fn spec(&self, id: VolumeId) -> VolumeSpec {
        VolumeSpec { name: names::named_volume(&self.installation, id), owner: VolumeOwner::Volume(id) }
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
        self.cloud.volume_folder(&self.spec(volume), path).await.map_err(|error| problem(&error, path))
    }

    async fn read(&self, volume: VolumeId, path: &VolumePath) -> Result<VolumeContent, Problem> {
        // until it begins: how long it takes is up to whoever receives it
        let _turn = self.turn().await?;
        let file = self.cloud.volume_read(&self.spec(volume), path).await.map_err(|error| problem(&error, path))?;
        Ok(VolumeContent { bytes: file.bytes, content: file.content })
    }

    async fn write(&self, volume: VolumeId, path: &VolumePath, content: VolumeContent) -> Result<(), Problem> {
        let _turn = self.turn().await?;
        let file = VolumeFile { bytes: content.bytes, content: content.content };
        self.cloud.volume_write(&self.spec(volume), path, file).await.map_err(|error| problem(&error, path))
    }

    async fn delete(&self, volume: VolumeId, path: &VolumePath) -> Result<(), Problem> {
        let _turn = self.turn().await?;
        self.cloud.volume_delete(&self.spec(volume), path).await.map_err(|error| problem(&error, path))
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
