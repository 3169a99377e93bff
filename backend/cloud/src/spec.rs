//! What is asked of a cloud, and what it answers.

use aerie_domain::{InstanceId, ServiceId, VolumeId};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io, net::IpAddr, path::PathBuf, sync::Arc};
use time::OffsetDateTime;

/// Which containers an inventory covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of this installation.
    Installation,
    /// Those of one service.
    Service(ServiceId),
}

/// One container as the engine sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Container name.
    pub name: String,
    /// From its label.
    pub instance: InstanceId,
    /// From its label.
    pub service: ServiceId,
    /// [`ContainerSpec::hash`] of what it was made from.
    pub spec_hash: String,
    /// What it does.
    pub status: ContainerStatus,
    /// Its address on the application's network (the host's network has none).
    pub address: Option<IpAddr>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerStatus {
    /// Made, not started.
    Created,
    /// Runs.
    Running,
    /// Ended. An engine may start it again by itself unless it ended with code 0.
    Exited {
        /// Exit code.
        code: i64,
        /// The kernel ended it because it used more memory than it may.
        out_of_memory: bool,
    },
}

/// The private network of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Name, unique on the host: contains the application's id.
    pub name: String,
    /// `a.b.c.0/24`.
    pub subnet: String,
    /// The host's address in it: `a.b.c.1`.
    pub gateway: IpAddr,
}

/// A network that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedNetwork {
    /// Name.
    pub name: String,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
}

/// A volume to keep data on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSpec {
    /// Name, unique on the host: contains the owner's id.
    pub name: String,
    /// What it belongs to.
    pub owner: VolumeOwner,
    /// Container of the mounter through which it is reached; nothing when it lies on the engine's host.
    pub carrier: Option<String>,
}

impl VolumeSpec {
    /// On the engine's host.
    pub fn on_host(name: impl Into<String>, owner: VolumeOwner) -> Self {
        Self { name: name.into(), owner, carrier: None }
    }
}

/// What a volume belongs to, and goes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeOwner {
    /// A service: its own data.
    Service(ServiceId),
    /// A named volume of people, which outlives services.
    Volume(VolumeId),
}

/// A volume that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedVolume {
    /// Name.
    pub name: String,
    /// What it belongs to.
    pub owner: VolumeOwner,
}

/// An image to build from a kind's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSpec {
    /// Kind name.
    pub kind: String,
    /// Folder with the Dockerfile; it starts `FROM aerie/base`.
    pub folder: PathBuf,
    /// Digest over everything in the folder that gets into the image.
    pub digest: String,
}

/// Receives progress lines ("php: step 3 of 7").
pub type Progress = Arc<dyn Fn(String) + Send + Sync>;

/// Everything a container is made from. Two equal specs have equal hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// Name: contains the instance's id, never reused.
    pub name: String,
    /// The instance it is.
    pub instance: InstanceId,
    /// The service it belongs to.
    pub service: ServiceId,
    /// Full image name, as [`Cloud::ensure_image`](crate::Cloud::ensure_image) returned it.
    pub image: String,
    /// Where it is attached.
    pub network: NetworkMode,
    /// Environment of the agent.
    pub environment: BTreeMap<String, String>,
    /// Volumes by the path at which they appear.
    pub volumes: Vec<Mount>,
    /// Writable folders in memory, path → size in MiB. Everything else is read-only.
    pub tmpfs: BTreeMap<String, u32>,
    /// Those of them from which programs may run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executable: Vec<String>,
    /// Linux capabilities beyond none.
    pub capabilities: Vec<String>,
    /// Mounts file systems that other containers have as volumes. The one thing that needs privileges: it is root, with what
    /// mounting takes, and has a folder of the host at [`MOUNTER_FOLDER`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mounter: bool,
    /// Processor limit, thousandths of a core.
    pub cpu_millis: u32,
    /// Memory limit (swap included), MiB.
    pub memory_mib: u32,
    /// Processes and threads.
    pub pids: u32,
    /// Size at which the kept output is cut, MiB.
    pub log_mib: u32,
}

impl ContainerSpec {
    /// What identifies this specification: SHA-256 (hexadecimal) of its JSON, whose order of fields and keys is fixed.
    ///
    /// Every field counts, the environment included.
    pub fn hash(&self) -> String {
        // Cannot fail: there are no maps with keys other than text and no serialisers of our own.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }
}

/// Where a container is attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// An application's network.
    Private {
        /// Network name.
        network: String,
        /// Names under which others on that network find it.
        aliases: Vec<String>,
    },
    /// The host's own network: system services only.
    Host,
}

/// A volume at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Volume name.
    pub volume: String,
    /// Absolute path in the container.
    pub path: String,
    /// The named volume of people that it is; nothing for data of the service itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<VolumeId>,
    /// The container cannot write to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// Container of the mounter through which it is reached; nothing when it lies on the engine's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
}

/// Where a mounter has its folder of the host. It mounts on the folder `fs` in it; each folder of that file system that is
/// called like a volume's id is that volume.
pub const MOUNTER_FOLDER: &str = "/mounts";

impl Mount {
    /// A volume with data of the service itself.
    pub fn own(volume: impl Into<String>, path: impl Into<String>) -> Self {
        Self { volume: volume.into(), path: path.into(), named: None, read_only: false, carrier: None }
    }
}

/// Which part of a container's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogsFrom {
    /// Only lines strictly after this moment.
    pub after: Option<OffsetDateTime>,
    /// At most so many of the newest lines.
    pub tail: Option<u32>,
    /// Go on with lines as they are written.
    pub follow: bool,
}

/// One line of a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudLogLine {
    /// When the engine received it (nanoseconds matter: it is the cursor).
    pub at: OffsetDateTime,
    /// Without line end.
    pub text: String,
}

/// Something happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEvent {
    /// The service whose manager should look.
    pub service: ServiceId,
    /// The instance.
    pub instance: InstanceId,
}

/// A file on its way from or to a volume.
pub struct VolumeFile {
    /// How much it is.
    pub bytes: u64,
    /// All of it, in pieces.
    pub content: BoxStream<'static, io::Result<Bytes>>,
}

/// What a failed call means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudErrorKind {
    /// The engine does not answer.
    Unreachable,
    /// Try again.
    Transient,
    /// Something else has the name, address or port, or is still attached.
    Conflict,
    /// The thing that was to be changed is absent.
    NotFound,
    /// What was asked can never work.
    InvalidSpec,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CloudError {
    /// What it means.
    pub kind: CloudErrorKind,
    /// What happened, in one line.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl CloudError {
    /// A failure without a deeper cause.
    pub fn new(kind: CloudErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }
    /// A failure and what it came from.
    pub fn caused_by(
        kind: CloudErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }
}

/// One for tests.
#[cfg(test)]
pub(crate) fn some_container() -> ContainerSpec {
    ContainerSpec {
        name: "aerie-1".into(),
        instance: InstanceId::generate(),
        service: ServiceId::generate(),
        image: "aerie/php:1-2".into(),
        network: NetworkMode::Host,
        environment: [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())].into(),
        volumes: vec![],
        tmpfs: [("/tmp".to_owned(), 16), ("/code".to_owned(), 8)].into(),
        executable: vec!["/code".to_owned()],
        capabilities: vec!["NET_BIND_SERVICE".into()],
        mounter: false,
        cpu_millis: 4_000,
        memory_mib: 64,
        pids: 50,
        log_mib: 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_specs_have_equal_hashes_and_every_change_shows() {
        let one = some_container();
        let mut other = one.clone();
        assert_eq!(one.hash(), other.hash());
        assert_eq!(one.hash().len(), 64);
        other.environment.insert("B".into(), "3".into());
        assert_ne!(one.hash(), other.hash());
        let moved = NetworkMode::Private { network: "n".into(), aliases: vec![] };
        assert_ne!(one.hash(), ContainerSpec { network: moved, ..one.clone() }.hash());
        assert_ne!(one.hash(), ContainerSpec { memory_mib: 65, ..one.clone() }.hash());
    }
}
