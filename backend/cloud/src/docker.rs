//! One host's Docker Engine as a cloud.
//!
//! What lives here: everything that speaks the engine's API. Who calls it: the manager and the director, through
//! [`Cloud`](crate::Cloud) only. To extend: a resource is a module (`networks`, `volumes` …) with methods on `Engine`; what a
//! container is allowed to do is decided in `hardening` and nowhere else.
//!
//! Decisions:
//! - **Restart policy `on-failure`.** After a crash of an agent, a restart of the engine or of the host, the engine itself
//!   brings back what ran, without the director. What ended with code 0 (the answer of an agent to `Shutdown`) stays
//!   down. So an agent must end with another code whenever it was *not* told to shut down, TERM included: that is what
//!   the engine sends to everything when it stops. A container that waits for its restart is reported as exited; the
//!   manager may replace it meanwhile.
//! - **Lazy connection.** [`DockerCloud::new`] succeeds without an engine; calls fail with
//!   [`Unreachable`](crate::CloudErrorKind::Unreachable) until there is one. So a director starts, and serves its pages, while
//!   Docker is down.
//! - **Nothing can hang**: every call has a time limit, except streams that follow something.

pub mod audit;
mod build;
mod client;
mod containers;
mod context;
mod errors;
mod events;
mod files;
pub mod firewall;
mod hardening;
mod helper;
mod images;
mod inventory;
mod labels;
mod logs;
mod mounts;
mod networks;
mod probe;
mod removal;
mod volumes;

pub use mounts::may_mount;

use crate::builds::Builds;
use crate::{
    Cloud, CloudError, CloudErrorKind, CloudEvent, CloudLogLine, ContainerSpec, ImageSpec, LogsFrom, NetworkSpec,
    Observed, ObservedNetwork, ObservedVolume, Progress, Scope, VolumeFile, VolumeOwner, VolumeSpec,
};
use aerie_domain::{VolumePath, views::VolumeFolderView};
use async_trait::async_trait;
use client::Engine;
use futures_util::stream::BoxStream;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// How to reach the engine, and what is ours there.
#[derive(Debug, Clone)]
pub struct DockerSettings {
    /// Path of the engine's socket, usually `/var/run/docker.sock`.
    pub socket: PathBuf,
    /// Value of the label that marks everything of this installation.
    pub installation: String,
    /// The static agent binary that goes into every image.
    pub agent_binary: PathBuf,
    /// Image that every kind builds on, usually [`DockerSettings::BASE_IMAGE`].
    pub base_image: String,
    /// Build arguments for every image; see [`DockerSettings::proxy_arguments`].
    pub build_arguments: BTreeMap<String, String>,
}

impl DockerSettings {
    /// The base image that `make up` makes.
    pub const BASE_IMAGE: &str = "aerie/base:bookworm";

    /// Settings with the usual socket and base image, and the proxies of this process' environment.
    pub fn new(installation: impl Into<String>, agent_binary: impl Into<PathBuf>) -> Self {
        Self {
            socket: "/var/run/docker.sock".into(),
            installation: installation.into(),
            agent_binary: agent_binary.into(),
            base_image: Self::BASE_IMAGE.to_owned(),
            build_arguments: Self::proxy_arguments(),
        }
    }

    /// The proxy variables of this process: builds reach the network the way this machine does.
    pub fn proxy_arguments() -> BTreeMap<String, String> {
        ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect()
    }
}

/// The Docker Engine of this host. Cheap to clone.
#[derive(Clone)]
pub struct DockerCloud {
    shared: Arc<Shared>,
}

struct Shared {
    settings: DockerSettings,
    engine: OnceCell<Engine>,
    agent_digest: OnceCell<String>,
    builds: Builds,
}

impl DockerCloud {
    /// A cloud that connects when it is first needed.
    pub fn new(settings: DockerSettings) -> Self {
        let shared =
            Shared { settings, engine: OnceCell::new(), agent_digest: OnceCell::new(), builds: Builds::default() };
        Self { shared: Arc::new(shared) }
    }

    /// A cloud whose engine has answered.
    ///
    /// # Errors
    /// [`Unreachable`](crate::CloudErrorKind::Unreachable) when the engine does not answer.
    pub async fn connect(settings: DockerSettings) -> Result<Self, CloudError> {
        let cloud = Self::new(settings);
        cloud.check().await?;
        Ok(cloud)
    }

    async fn engine(&self) -> Result<&Engine, CloudError> {
        let settings = &self.shared.settings;
        self.shared.engine.get_or_try_init(|| Engine::connect(settings)).await
    }
}

#[async_trait]
impl Cloud for DockerCloud {
    async fn check(&self) -> Result<(), CloudError> {
        self.engine().await?.ping().await
    }

    async fn storage_folder(&self) -> Result<Option<PathBuf>, CloudError> {
        self.engine().await?.storage_folder().await
    }

    async fn inventory(&self, scope: &Scope) -> Result<Vec<Observed>, CloudError> {
        self.engine().await?.inventory(*scope).await
    }

    async fn ensure_network(&self, network: &NetworkSpec) -> Result<(), CloudError> {
        self.engine().await?.ensure_network(network).await
    }

    async fn remove_network(&self, name: &str) -> Result<(), CloudError> {
        self.engine().await?.remove_network(name).await
    }

    async fn networks(&self) -> Result<Vec<ObservedNetwork>, CloudError> {
        self.engine().await?.networks().await
    }

    async fn ensure_volume(&self, volume: &VolumeSpec) -> Result<(), CloudError> {
        if volume.carrier.is_some() {
            // its mounter makes it; whoever comes too early finds nothing to bind
            return Ok(());
        }
        let engine = self.engine().await?;
        match volume.owner {
            VolumeOwner::Service(_) => engine.ensure_volume(volume).await,
            VolumeOwner::Volume(_) if engine.has_volume(volume).await? => Ok(()),
            VolumeOwner::Volume(_) => self.make_named_volume(volume).await,
        }
    }

    async fn copy_volume(&self, from: &VolumeSpec, to: &VolumeSpec) -> Result<(), CloudError> {
        self.copy(from, to).await
    }

    async fn volume_bytes(&self, volume: &VolumeSpec) -> Result<u64, CloudError> {
        self.measure(volume).await
    }

    async fn empty_volume(&self, volume: &VolumeSpec) -> Result<(), CloudError> {
        self.empty(volume).await
    }

    async fn volume_folder(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFolderView, CloudError> {
        self.folder(volume, path).await
    }

    async fn volume_read(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFile, CloudError> {
        self.read(volume, path).await
    }

    async fn volume_write(&self, volume: &VolumeSpec, path: &VolumePath, file: VolumeFile) -> Result<(), CloudError> {
        self.write(volume, path, file).await
    }

    async fn volume_delete(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<(), CloudError> {
        self.delete(volume, path).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), CloudError> {
        let engine = self.engine().await?;
        match engine.remove_volume(name).await {
            // perhaps only by what somebody left who was interrupted
            Err(error) if error.kind == CloudErrorKind::Conflict => {
                self.remove_helpers(name).await?;
                engine.remove_volume(name).await
            }
            result => result,
        }
    }

    async fn volumes(&self) -> Result<Vec<ObservedVolume>, CloudError> {
        self.engine().await?.volumes().await
    }

    async fn ensure_image(&self, image: &ImageSpec, progress: Progress) -> Result<String, CloudError> {
        self.image_ensure(image, progress).await
    }

    async fn ensure_container(&self, container: &ContainerSpec) -> Result<Observed, CloudError> {
        if container.mounter {
            self.prepare_mounts(&container.name).await?;
        }
        self.engine().await?.ensure_container(container).await
    }

    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), CloudError> {
        self.engine().await?.stop_container(name, grace).await
    }

    async fn remove_container(&self, name: &str, grace: Duration) -> Result<(), CloudError> {
        self.engine().await?.remove_container(name, grace).await?;
        self.release_mounts(name)
    }

    fn logs(&self, name: &str, from: LogsFrom) -> BoxStream<'static, Result<CloudLogLine, CloudError>> {
        logs::stream(self.clone(), name.to_owned(), from)
    }

    fn events(&self) -> BoxStream<'static, Result<CloudEvent, CloudError>> {
        events::stream(self.clone())
    }
}
