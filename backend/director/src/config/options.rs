//! The flags and environment variables.

use aerie_cloud::docker::firewall::Network;
use clap::{Args, ValueEnum};
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// Where containers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CloudChoice {
    /// Docker on this host.
    Docker,
    /// Nowhere: containers are pretended. For trying out pages and for tests.
    Simulated,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For machines.
    Json,
    /// For people.
    Text,
}

/// Options of the director; every one is a flag and an environment variable.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Options {
    /// Postgres, such as `postgres://aerie@localhost/aerie`; `DATABASE_URL` is used when it is not set
    #[arg(long, env = "AERIE_DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Connections to Postgres. Larger: more requests at once; Postgres accepts 100 unless told otherwise
    #[arg(long, env = "AERIE_DATABASE_CONNECTIONS", default_value_t = 20, global = true)]
    pub database_connections: u32,
    /// Folder for uploads, kept logs and the installation's secrets; several directors of one database must share it
    #[arg(long, env = "AERIE_DATA_DIR", default_value = "data", global = true)]
    pub data_dir: PathBuf,
    /// Address and port for pages and API
    #[arg(long, env = "AERIE_LISTEN", default_value = "127.0.0.1:7700", global = true)]
    pub listen: SocketAddr,
    /// Where people find the director; with https, cookies are marked secure
    #[arg(long, env = "AERIE_PUBLIC_URL", default_value = "http://localhost:7700", global = true)]
    pub public_url: String,
    /// Further host names under which the director may be addressed, separated by commas
    #[arg(long, env = "AERIE_HOSTS", value_delimiter = ',', global = true)]
    pub hosts: Vec<String>,
    /// Take the client's address from the last entry of X-Forwarded-For: only behind a proxy that sets it
    #[arg(long, env = "AERIE_BEHIND_PROXY", default_value_t = false, action = clap::ArgAction::Set, global = true)]
    pub behind_proxy: bool,
    /// Address on which agents are awaited; instances reach it at their network's gateway
    #[arg(long, env = "AERIE_AGENT_BIND", default_value = "0.0.0.0", global = true)]
    pub agent_bind: IpAddr,
    /// Port on which agents are awaited
    #[arg(long, env = "AERIE_AGENT_PORT", default_value_t = 7701, global = true)]
    pub agent_port: u16,
    /// Agent ports of further directors of this installation on this host, separated by commas: containers may reach
    /// them too, and look for a director there. Each director lists those of the others
    #[arg(long, env = "AERIE_AGENT_PORTS_BESIDE", value_delimiter = ',', global = true)]
    pub agent_ports_beside: Vec<u16>,
    /// Applications live at `<application>.<owner>.<domain>`
    #[arg(long, env = "AERIE_DOMAIN", default_value = "localhost", global = true)]
    pub domain: String,
    /// Address on which visitors of applications are awaited
    #[arg(long, env = "AERIE_PUBLIC_BIND", default_value = "0.0.0.0", global = true)]
    pub public_bind: IpAddr,
    /// Port on which visitors of applications are awaited
    #[arg(long, env = "AERIE_PUBLIC_PORT", default_value_t = 7780, global = true)]
    pub public_port: u16,
    /// Port on which the entry tells its own agent that it is ready (on 127.0.0.1)
    #[arg(long, env = "AERIE_ENTRY_READY_PORT", default_value_t = 7781, global = true)]
    pub entry_ready_port: u16,
    /// Name of the installation: label and first part of the name of every container
    #[arg(long, env = "AERIE_INSTALLATION", default_value = "aerie", global = true)]
    pub installation: String,
    /// Network from which each application gets a /24
    #[arg(long, env = "AERIE_SUBNET_POOL", default_value = "10.208.0.0/12", global = true)]
    pub subnet_pool: String,
    /// Keep containers from the host's ports and from private networks with iptables rules of our own
    #[arg(long, env = "AERIE_FIREWALL", default_value_t = true, action = clap::ArgAction::Set, global = true)]
    pub firewall: bool,
    /// Private networks that containers may reach all the same, separated by commas, such as `192.168.5.0/24`
    #[arg(long, env = "AERIE_REACHABLE_NETWORKS", value_delimiter = ',', global = true)]
    pub reachable_networks: Vec<Network>,
    /// Folder with the service kinds
    #[arg(long, env = "AERIE_TEMPLATES_DIR", default_value = "service-templates", global = true)]
    pub templates_dir: PathBuf,
    /// Folder with static files
    #[arg(long, env = "AERIE_STATIC_DIR", default_value = "static", global = true)]
    pub static_dir: PathBuf,
    /// Folder with the built pages (`pkg` in the static folder unless told)
    #[arg(long, env = "AERIE_PKG_DIR", global = true)]
    pub pkg_dir: Option<PathBuf>,
    /// The agent's binary (beside the director's unless told)
    #[arg(long, env = "AERIE_AGENT_BINARY", global = true)]
    pub agent_binary: Option<PathBuf>,
    /// Docker's socket
    #[arg(long, env = "AERIE_DOCKER_SOCKET", default_value = "/var/run/docker.sock", global = true)]
    pub docker_socket: PathBuf,
    /// Where containers run
    #[arg(long, env = "AERIE_CLOUD", value_enum, default_value_t = CloudChoice::Docker, global = true)]
    pub cloud: CloudChoice,
    /// Build the images of all service kinds in the background after the start, so that no first start has to wait
    #[arg(long, env = "AERIE_PREPARE_IMAGES", default_value_t = true, action = clap::ArgAction::Set, global = true)]
    pub prepare_images: bool,
    /// Credits of a new user
    #[arg(long, env = "AERIE_INITIAL_CREDIT", default_value_t = 50, global = true)]
    pub initial_credit: u32,
    /// Seconds after which running instances are booked, again and again. Smaller: more rows in the ledger
    #[arg(long, env = "AERIE_CHARGE_SECONDS", default_value_t = 60, global = true,
          value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub charge_seconds: u32,
    /// Applications per user. Larger: more networks on the host
    #[arg(long, env = "AERIE_MAX_APPLICATIONS", default_value_t = 20, global = true)]
    pub max_applications: u32,
    /// Instances per service
    #[arg(long, env = "AERIE_MAX_INSTANCES", default_value_t = 20, global = true)]
    pub max_instances: u32,
    /// Code versions kept per service
    #[arg(long, env = "AERIE_MAX_VERSIONS", default_value_t = 20, global = true)]
    pub max_versions: u32,
    /// Largest upload, MiB
    #[arg(long, env = "AERIE_UPLOAD_MIB", default_value_t = 100, global = true)]
    pub upload_mib: u32,
    /// Largest backup of a service, MiB, made or uploaded
    #[arg(long, env = "AERIE_BACKUP_MIB", default_value_t = 1024, global = true)]
    pub backup_mib: u32,
    /// Seconds of what schedules of backups call an hour. For tests, which cannot wait for one
    #[arg(long, env = "AERIE_BACKUP_HOUR_SECONDS", default_value_t = 3600, global = true, hide = true,
          value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub backup_hour_seconds: u32,
    /// Uploads and starts are refused while fewer MiB than this are free on the disk of the data directory or of Docker.
    /// Smaller: what runs may find no room for logs, databases and sessions
    #[arg(long, env = "AERIE_DISK_RESERVE_MIB", default_value_t = 512, global = true)]
    pub disk_reserve_mib: u32,
    /// People may register themselves
    #[arg(long, env = "AERIE_OPEN_REGISTRATION", default_value_t = true, action = clap::ArgAction::Set, global = true)]
    pub open_registration: bool,
    /// Days after which a session ends, however active
    #[arg(long, env = "AERIE_SESSION_DAYS", default_value_t = 30, global = true)]
    pub session_days: u32,
    /// Wrong passwords per account or address within 15 minutes before a pause
    #[arg(long, env = "AERIE_LOGIN_ATTEMPTS", default_value_t = 10, global = true)]
    pub login_attempts: u32,
    /// How log lines look
    #[arg(long, env = "AERIE_LOG", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log: LogFormat,
}
