//! A cloud in memory, for the manager's tests and for studies at scale.
//!
//! It keeps the same contract as the real ones (the contract suite says so) and is deterministic: time is tokio's, so a test
//! with a paused clock waits for nothing, and addresses and time stamps follow from the order of calls. Every operation costs
//! O(log n) of the containers. What a test does to it is in `controls`; what the world is like is in `world`.
//!
//! Unlike an engine it starts nothing again by itself: a container that ended stays ended.

mod controls;
mod failures;
mod files;
mod logs;
mod resources;
mod subnet;
mod world;

pub use failures::Operation;

use crate::{
    Cloud, CloudError, CloudErrorKind, CloudEvent, CloudLogLine, ContainerSpec, ImageSpec, LogsFrom, NetworkSpec,
    Observed, ObservedNetwork, ObservedVolume, Progress, Scope, VolumeFile, VolumeSpec, builds::Builds,
};
use aerie_domain::{VolumePath, views::VolumeFolderView};
use async_trait::async_trait;
use bytes::Bytes;
use failures::Failures;
use futures_util::{
    StreamExt, TryStreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use time::{OffsetDateTime, macros::datetime};
use tokio::sync::watch;
use tokio_stream::wrappers::BroadcastStream;
use world::{Arrival, World};

/// How the simulated engine behaves.
#[derive(Debug, Clone)]
pub struct SimulatedOptions {
    /// How long the start of a container takes; meanwhile it is there as created.
    pub start_latency: Duration,
    /// How long the removal of a running container takes.
    pub stop_latency: Duration,
    /// How long the build of an image takes.
    pub build_latency: Duration,
    /// What the clock shows when the cloud is made; it then goes on with tokio's time.
    pub epoch: OffsetDateTime,
}

impl Default for SimulatedOptions {
    /// Everything takes no time at all.
    fn default() -> Self {
        Self {
            start_latency: Duration::ZERO,
            stop_latency: Duration::ZERO,
            build_latency: Duration::ZERO,
            epoch: datetime!(2026-01-01 00:00 UTC),
        }
    }
}

/// A cloud in memory. Clones share one world.
#[derive(Clone)]
pub struct SimulatedCloud {
    shared: Arc<Shared>,
}

struct Shared {
    options: SimulatedOptions,
    world: Mutex<World>,
    failures: Mutex<Failures>,
    builds: Builds,
    /// Counts changes of the world, for those who wait for one.
    changes: watch::Sender<u64>,
}

impl Default for SimulatedCloud {
    fn default() -> Self {
        Self::new(SimulatedOptions::default())
    }
}

impl SimulatedCloud {
    /// An empty world.
    pub fn new(options: SimulatedOptions) -> Self {
        let shared = Shared {
            world: Mutex::new(World::new(options.epoch)),
            failures: Mutex::default(),
            builds: Builds::default(),
            changes: watch::Sender::new(0),
            options,
        };
        Self { shared: Arc::new(shared) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.shared.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call, and fails it when the test wants that.
    fn enter(&self, operation: Operation) -> Result<(), CloudError> {
        self.failures().enter(operation)
    }

    /// Changes the world and tells those who wait.
    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world());
        self.shared.changes.send_modify(|count| *count += 1);
        result
    }

    async fn build(&self, name: &str, kind: &str, progress: &Progress) -> Result<(), CloudError> {
        self.failures().fail(Operation::Build)?;
        progress(format!("{kind}: step 1 of 1: simulated"));
        pause(self.shared.options.build_latency).await;
        self.change(|world| world.image_built(name));
        Ok(())
    }
}

/// Sleeps, unless there is nothing to sleep: a timer would cost a turn of the runtime.
async fn pause(latency: Duration) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
}

#[async_trait]
impl Cloud for SimulatedCloud {
    async fn check(&self) -> Result<(), CloudError> {
        self.enter(Operation::Check)
    }

    async fn storage_folder(&self) -> Result<Option<PathBuf>, CloudError> {
        Ok(None)
    }

    async fn inventory(&self, scope: &Scope) -> Result<Vec<Observed>, CloudError> {
        self.enter(Operation::Inventory)?;
        Ok(self.world().inventory(*scope))
    }

    async fn ensure_network(&self, network: &NetworkSpec) -> Result<(), CloudError> {
        self.enter(Operation::EnsureNetwork)?;
        self.change(|world| world.ensure_network(network))
    }

    async fn remove_network(&self, name: &str) -> Result<(), CloudError> {
        self.enter(Operation::RemoveNetwork)?;
        self.change(|world| world.remove_network(name))
    }

    async fn networks(&self) -> Result<Vec<ObservedNetwork>, CloudError> {
        self.enter(Operation::Networks)?;
        Ok(self.world().networks())
    }

    async fn ensure_volume(&self, volume: &VolumeSpec) -> Result<(), CloudError> {
        self.enter(Operation::EnsureVolume)?;
        self.change(|world| world.ensure_volume(&volume.name, volume.owner))
    }

    async fn copy_volume(&self, from: &VolumeSpec, to: &VolumeSpec) -> Result<(), CloudError> {
        self.enter(Operation::CopyVolume)?;
        self.change(|world| world.copy_volume(&from.name, to))
    }

    async fn volume_bytes(&self, volume: &VolumeSpec) -> Result<u64, CloudError> {
        self.enter(Operation::VolumeBytes)?;
        Ok(self.world().volume_bytes(&volume.name))
    }

    async fn empty_volume(&self, volume: &VolumeSpec) -> Result<(), CloudError> {
        self.enter(Operation::EmptyVolume)?;
        self.change(|world| world.files.remove(&volume.name));
        Ok(())
    }

    async fn volume_folder(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFolderView, CloudError> {
        self.enter(Operation::VolumeFolder)?;
        self.change(|world| world.volume_folder(volume, path))
    }

    async fn volume_read(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFile, CloudError> {
        self.enter(Operation::VolumeRead)?;
        let content = self.change(|world| world.volume_read(volume, path))?;
        Ok(VolumeFile { bytes: content.len() as u64, content: stream::iter([Ok(content)]).boxed() })
    }

    async fn volume_write(&self, volume: &VolumeSpec, path: &VolumePath, file: VolumeFile) -> Result<(), CloudError> {
        self.enter(Operation::VolumeWrite)?;
        let pieces: Result<Vec<Bytes>, _> = file.content.try_collect().await;
        let content = pieces.map(|pieces| pieces.concat()).unwrap_or_default();
        if content.len() as u64 != file.bytes {
            return Err(CloudError::new(CloudErrorKind::Transient, "not all of it came"));
        }
        self.change(|world| world.volume_write(volume, path, content.into()))
    }

    async fn volume_delete(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<(), CloudError> {
        self.enter(Operation::VolumeDelete)?;
        self.change(|world| world.volume_delete(volume, path))
    }

    async fn remove_volume(&self, name: &str) -> Result<(), CloudError> {
        self.enter(Operation::RemoveVolume)?;
        self.change(|world| world.remove_volume(name))
    }

    async fn volumes(&self) -> Result<Vec<ObservedVolume>, CloudError> {
        self.enter(Operation::Volumes)?;
        Ok(self.world().volumes())
    }

    async fn ensure_image(&self, image: &ImageSpec, progress: Progress) -> Result<String, CloudError> {
        self.enter(Operation::EnsureImage)?;
        let Some(digits) = image.digest.get(..12) else {
            let message = format!("{:?} is not a digest of kind {}", image.digest, image.kind);
            return Err(CloudError::new(CloudErrorKind::InvalidSpec, message));
        };
        let name = format!("aerie/{}:{digits}-simulated", image.kind);
        if !self.world().has_image(&name) {
            let (cloud, kind, tag) = (self.clone(), image.kind.clone(), name.clone());
            let build = |progress| async move { cloud.build(&tag, &kind, &progress).await };
            self.shared.builds.join(&name, progress, build).await?;
        }
        Ok(name)
    }

    async fn ensure_container(&self, container: &ContainerSpec) -> Result<Observed, CloudError> {
        self.enter(Operation::EnsureContainer)?;
        let serial = match self.change(|world| world.arrive(container))? {
            Arrival::Runs(observed) => return Ok(observed),
            Arrival::ToStart(serial) => serial,
        };
        pause(self.shared.options.start_latency).await;
        self.change(|world| world.start(&container.name, serial))
    }

    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), CloudError> {
        self.enter(Operation::StopContainer)?;
        if self.world().runs(name) {
            pause(self.shared.options.stop_latency.min(grace)).await;
        }
        // 128 + TERM, as agents end
        self.change(|world| world.end(name, 143, false));
        Ok(())
    }

    async fn remove_container(&self, name: &str, grace: Duration) -> Result<(), CloudError> {
        self.enter(Operation::RemoveContainer)?;
        if self.world().runs(name) {
            pause(self.shared.options.stop_latency.min(grace)).await;
        }
        self.change(|world| world.remove_container(name))
    }

    fn logs(&self, name: &str, from: LogsFrom) -> BoxStream<'static, Result<CloudLogLine, CloudError>> {
        let found = self.enter(Operation::Logs).and_then(|()| self.world().log_of(name));
        match found {
            Ok(log) => log.read(from).map(Ok).boxed(),
            Err(error) => stream::once(ready(Err(error))).boxed(),
        }
    }

    fn events(&self) -> BoxStream<'static, Result<CloudEvent, CloudError>> {
        if let Err(error) = self.enter(Operation::Events) {
            return stream::once(ready(Err(error))).boxed();
        }
        // Who reads too slowly misses some: events are hints.
        let events = BroadcastStream::new(self.world().subscribe());
        events.filter_map(|event| ready(event.ok().map(Ok))).boxed()
    }
}
