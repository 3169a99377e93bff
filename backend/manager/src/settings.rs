//! What an installation tells its managers.

use aerie_domain::InstanceId;
use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf};

/// How an instance proves to the agent listener who it is.
pub trait Identities: Send + Sync + 'static {
    /// Certificate and key for the instance, ready for its environment. The same value every time: it goes into what
    /// the container is made from, and a different one would replace the container.
    fn identity(&self, instance: InstanceId) -> String;
}

/// What an installation tells its managers. `Default` suits one machine with Docker.
#[derive(Debug, Clone)]
pub struct ManagerSettings {
    /// Label and name prefix of everything this installation makes.
    pub installation: String,
    /// Port of the agent listener.
    pub agent_port: u16,
    /// Ports of the agent listeners of other directors on this host.
    pub agent_ports_beside: Vec<u16>,
    /// First address and prefix length of the range that application networks are cut from, a /24 each.
    pub subnet_pool: (Ipv4Addr, u8),
    /// Where the output of removed instances is kept.
    pub log_dir: PathBuf,
    /// Address that the public entry listens on.
    pub public_bind: String,
    /// Port that the public entry listens on.
    pub public_port: u16,
    /// Port on which the entry tells (on 127.0.0.1) that it is ready.
    pub entry_ready_port: u16,
    /// Ending of all public host names.
    pub domain: String,
    /// How many services are looked at at the same time. More: faster after a restart with many services, but more
    /// database connections and engine calls at once; less: one slow engine call holds up others.
    pub concurrency: usize,
    /// How many containers are started at the same time (removals: four times as many). More overloads the engine (it does about 7/s however
    /// many are asked for), less leaves it idle.
    pub container_concurrency: usize,
    /// Removed instances are remembered, and their output kept, for so many hours …
    pub kept_logs_hours: u32,
    /// … and as long as all kept output is not larger than this.
    pub kept_logs_bytes: u64,
    /// Megabytes of output that the engine keeps per container.
    pub container_log_mib: u32,
    /// The images of all kinds are built in the background before anybody asks for them.
    pub prepare_images: bool,
    /// More values for the files of system kinds.
    pub extra: BTreeMap<String, String>,
}

impl Default for ManagerSettings {
    fn default() -> Self {
        Self {
            installation: "aerie".to_owned(),
            agent_port: 7070,
            agent_ports_beside: Vec::new(),
            subnet_pool: (Ipv4Addr::new(10, 208, 0, 0), 12),
            log_dir: PathBuf::from("logs"),
            public_bind: "0.0.0.0".to_owned(),
            public_port: 8080,
            entry_ready_port: 8081,
            domain: "localhost".to_owned(),
            concurrency: 16,
            container_concurrency: 8,
            kept_logs_hours: 24 * 7,
            kept_logs_bytes: 2 << 30,
            container_log_mib: 16,
            prepare_images: false,
            extra: BTreeMap::new(),
        }
    }
}

impl ManagerSettings {
    /// Values that files of system kinds can name.
    pub(crate) fn values(&self) -> BTreeMap<String, String> {
        let mut values = self.extra.clone();
        values.insert("installation".to_owned(), self.installation.clone());
        values.insert("domain".to_owned(), self.domain.clone());
        values.insert("public_bind".to_owned(), self.public_bind.clone());
        values.insert("public_port".to_owned(), self.public_port.to_string());
        values.insert("ready_port".to_owned(), self.entry_ready_port.to_string());
        values
    }
}
