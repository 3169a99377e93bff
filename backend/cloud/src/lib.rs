//! Places where containers run, behind one trait.
//!
//! Called by the manager and by the director's log streams; calls the container engine and nothing of ours but `domain`.
//! To add a cloud: implement [`Cloud`] in a module of its own and run the contract suite in `tests/contract.rs` on it.

mod builds;
mod spec;

pub mod docker;
pub mod simulated;

pub use spec::{
    CloudError, CloudErrorKind, CloudEvent, CloudLogLine, ContainerSpec, ContainerStatus, ImageSpec, LogsFrom,
    MOUNTER_FOLDER, Mount, NetworkMode, NetworkSpec, Observed, ObservedNetwork, ObservedVolume, Progress, Scope,
    VolumeFile, VolumeOwner, VolumeSpec,
};

use aerie_domain::{VolumePath, views::VolumeFolderView};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::{path::PathBuf, time::Duration};

/// Files and folders of a volume's folder that are listed. More: larger answers; fewer: more folders are cut short.
pub const MOST_ENTRIES: usize = 1000;

/// A place where containers run.
///
/// Guarantees: every method is idempotent; `ensure_*` may be called again after any failure, `remove_*` of something
/// absent succeeds. Nothing outside this installation's label is listed, changed or removed.
/// Assumptions: names are never reused for something else (they contain ids).
/// Caveats: events are hints; only [`Cloud::inventory`] tells the truth.
#[async_trait]
pub trait Cloud: Send + Sync + 'static {
    /// Succeeds when the engine answers.
    async fn check(&self) -> Result<(), CloudError>;

    /// The folder of this machine on whose disk images, containers and volumes lie; none when they lie elsewhere.
    async fn storage_folder(&self) -> Result<Option<PathBuf>, CloudError>;

    /// The containers of this installation, or of one service of it, running or not.
    async fn inventory(&self, scope: &Scope) -> Result<Vec<Observed>, CloudError>;

    /// Makes the network if it is absent.
    async fn ensure_network(&self, network: &NetworkSpec) -> Result<(), CloudError>;

    /// Removes the network. Fails with [`CloudErrorKind::Conflict`] while containers are attached.
    async fn remove_network(&self, name: &str) -> Result<(), CloudError>;

    /// The networks of this installation.
    async fn networks(&self) -> Result<Vec<ObservedNetwork>, CloudError>;

    /// Makes the volume if it is absent.
    async fn ensure_volume(&self, volume: &VolumeSpec) -> Result<(), CloudError>;

    /// Makes the volume `to` a copy of the volume `from`; what was on it goes. A copy of something that somebody writes to
    /// meanwhile may have half of it.
    async fn copy_volume(&self, from: &VolumeSpec, to: &VolumeSpec) -> Result<(), CloudError>;

    /// How many bytes are on a volume.
    async fn volume_bytes(&self, volume: &VolumeSpec) -> Result<u64, CloudError>;

    /// Removes everything that is on a volume.
    async fn empty_volume(&self, volume: &VolumeSpec) -> Result<(), CloudError>;

    /// What is in a folder of a volume, sorted, as far as it is listed ([`MOST_ENTRIES`]).
    ///
    /// This and its neighbours never leave the volume, whatever links are on it. Errors:
    /// [`NotFound`](CloudErrorKind::NotFound) when nothing is there, [`Conflict`](CloudErrorKind::Conflict) when it is
    /// something else than was meant.
    async fn volume_folder(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFolderView, CloudError>;

    /// A file of a volume. Its content ends with an error when less of it comes than was told.
    async fn volume_read(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<VolumeFile, CloudError>;

    /// Puts a file on a volume, with the folders that lead to it; one that is there is replaced as a whole, once all has come.
    async fn volume_write(&self, volume: &VolumeSpec, path: &VolumePath, file: VolumeFile) -> Result<(), CloudError>;

    /// Removes a file or a folder with all that is in it; of a link, the link. The top of a volume cannot be removed.
    async fn volume_delete(&self, volume: &VolumeSpec, path: &VolumePath) -> Result<(), CloudError>;

    /// Removes the volume with its data.
    async fn remove_volume(&self, name: &str) -> Result<(), CloudError>;

    /// The volumes of this installation.
    async fn volumes(&self) -> Result<Vec<ObservedVolume>, CloudError>;

    /// Builds the image if it is absent and returns its full name. Calls for the same image share one build.
    /// `progress` hears a line whenever there is something to tell.
    async fn ensure_image(&self, image: &ImageSpec, progress: Progress) -> Result<String, CloudError>;

    /// Makes and starts the container if it is absent; adopts it if it runs, whatever it was made from; replaces it if it has
    /// exited, or was made from another specification and never started. Nothing that runs is ended by this.
    async fn ensure_container(&self, container: &ContainerSpec) -> Result<Observed, CloudError>;

    /// Stops the container (TERM, then KILL after `grace`) and leaves it there, so that its output can be read to the
    /// last line. The engine does not start it again.
    async fn stop_container(&self, name: &str, grace: Duration) -> Result<(), CloudError>;

    /// Stops the container (TERM, then KILL after `grace`) and removes it.
    async fn remove_container(&self, name: &str, grace: Duration) -> Result<(), CloudError>;

    /// The container's output, oldest first; ends when the container is gone or, without `follow`, at the newest line.
    fn logs(&self, name: &str, from: LogsFrom) -> BoxStream<'static, Result<CloudLogLine, CloudError>>;

    /// Containers that start or end, as it happens. Ends when the connection to the engine does.
    fn events(&self) -> BoxStream<'static, Result<CloudEvent, CloudError>>;
}
