//! What a case gets: a cloud, an image whose containers do as their environment says, and hands to disturb it.

use aerie_cloud::{
    Cloud, CloudError, CloudErrorKind, ContainerSpec, ContainerStatus, ImageSpec, NetworkMode, NetworkSpec, Observed,
    Progress, Scope,
};
use aerie_domain::{InstanceId, ServiceId};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The environment variable that tells a test container what to do: `idle` (or nothing), `exit:<code>`, `memory` (use
/// too much), `lines:<n>` (write `line 1` … and go on), `ticks` (write `line 1` … for ever), `count` (count on a volume), `links` (put some on a volume that lead out of it), `serve:<port>` (listen), `reach:<host>:<port>,…` (try
/// to connect, and write `<host>:<port> open` or `closed`).
pub const BEHAVE: &str = "BEHAVE";

/// Disturbances that a cloud does not offer.
#[async_trait]
pub trait Hands: Send + Sync {
    /// Kills the container's processes.
    async fn kill(&self, name: &str);
    /// Puts up a container without our labels.
    async fn add_foreign(&self, name: &str);
    /// Whether it is still there.
    async fn has_foreign(&self, name: &str) -> bool;
}

#[derive(Clone)]
pub struct Fixture {
    pub cloud: Arc<dyn Cloud>,
    pub hands: Arc<dyn Hands>,
    /// An image that is there.
    pub image: String,
    /// A folder of which an image can be made.
    pub folder: PathBuf,
    /// Part of all names.
    pub run: String,
    /// Where its networks lie.
    pub pool: Arc<Pool>,
}

/// Addresses of one case, apart from those of others: the rules of a firewall hold for a pool.
#[derive(Debug)]
pub struct Pool {
    /// Third part of its first address.
    first: u8,
    taken: AtomicU8,
}

/// Networks of a pool.
const SIZE: u8 = 4;

impl Pool {
    pub fn new() -> Arc<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        Arc::new(Self { first: NEXT.fetch_add(SIZE, Ordering::SeqCst), taken: AtomicU8::new(0) })
    }

    /// In the notation with a slash.
    pub fn network(&self) -> String {
        format!("10.254.{}.0/22", self.first)
    }

    fn third_part(&self) -> u8 {
        let taken = self.taken.fetch_add(1, Ordering::SeqCst);
        assert!(taken < SIZE, "a case has {SIZE} networks");
        self.first + taken
    }
}

impl Fixture {
    pub fn network_spec(&self, name: &str) -> NetworkSpec {
        let part = self.pool.third_part();
        NetworkSpec {
            name: format!("{}-{name}", self.run),
            subnet: format!("10.254.{part}.0/24"),
            gateway: IpAddr::from([10, 254, part, 1]),
        }
    }

    /// A container that idles on the host's network: the quickest to start.
    pub fn idle(&self, name: &str) -> ContainerSpec {
        ContainerSpec {
            name: format!("{}-{name}", self.run),
            instance: InstanceId::generate(),
            service: ServiceId::generate(),
            image: self.image.clone(),
            network: NetworkMode::Host,
            environment: BTreeMap::new(),
            volumes: vec![],
            tmpfs: BTreeMap::from([("/tmp".to_owned(), 8)]),
            executable: Vec::new(),
            capabilities: vec![],
            mounter: false,
            cpu_millis: 1000,
            memory_mib: 48,
            pids: 32,
            log_mib: 2,
        }
    }

    pub fn behaving(&self, name: &str, behaviour: &str) -> ContainerSpec {
        let environment = BTreeMap::from([(BEHAVE.to_owned(), behaviour.to_owned())]);
        ContainerSpec { environment, ..self.idle(name) }
    }

    pub fn image_spec(&self, digest_of: &str) -> ImageSpec {
        ImageSpec { kind: self.run.clone(), folder: self.folder.clone(), digest: digest_of.repeat(16) }
    }

    pub async fn find(&self, name: &str) -> Option<Observed> {
        let all = self.cloud.inventory(&Scope::Installation).await.expect("inventory");
        all.into_iter().find(|observed| observed.name == name)
    }

    /// Waits until the container is as wanted.
    pub async fn wait_for(&self, name: &str, wanted: impl Fn(ContainerStatus) -> bool) -> Observed {
        let start = Instant::now();
        loop {
            let last = self.find(name).await;
            match last {
                Some(observed) if wanted(observed.status) => return observed,
                last => assert!(start.elapsed() < Duration::from_secs(20), "gave up; last seen: {last:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub fn silent() -> Progress {
    Arc::new(|_| {})
}

/// The kind of a failure that must have happened.
pub fn kind_of<T>(result: Result<T, CloudError>) -> CloudErrorKind {
    result.err().expect("this must fail").kind
}
