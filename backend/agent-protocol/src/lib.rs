//! What director and agent say to each other, as JSON text frames over one websocket that the agent opens.
//!
//! Used by the agent and by the director's agent listener; the manager builds [`InstanceConfig`]s with it. It knows
//! no service kind: everything that is special about a kind is data in the configuration.
//!
//! Guarantees: an agent applies configurations in order of their generation and ignores one that is not newer than
//! what it has. Everything keeps running while the connection is down. Caveats: a report may arrive twice; a newer one
//! always replaces an older one as a whole.

mod config;
mod message;
mod metrics;
mod report;
mod tag;

pub use config::{
    CodePlan, CodeVersionSpec, FileSpec, HealthProbe, HookSpec, InstanceConfig, ProbeKind, ProcessSpec, ReloadMethod,
    StreamNames, TaskSpec,
};
pub use message::{FromAgent, ToAgent};
pub use metrics::{FiguresProbe, HaproxyStats, MetricsSpec, RequestLog, TimeUnit};
pub use report::{
    CheckReport, FigureUsage, InstanceReport, NetworkUsage, ProcessEnd, ProcessReport, RoleUsage, TaskProgress,
    TaskReport, Usage,
};
pub use tag::{LogTag, TaggedLine};

/// Version of the protocol: a director refuses agents of another one with a clear message.
pub const PROTOCOL_VERSION: u32 = 1;

/// Folder in the instance that belongs to the agent: configuration files, sockets, pid files. In memory.
pub const RUN_FOLDER: &str = "/run/aerie";

/// Folder in the instance under which code versions are unpacked, one folder per version id.
pub const CODE_FOLDER: &str = "/code";

/// Environment variable with the address (`ip:port`) of the agent listener.
pub const ENV_DIRECTOR: &str = "AERIE_DIRECTOR";
/// Environment variable with the ports of further directors at that address, separated by commas, for an agent whose own
/// director is gone before it could say so. May be missing.
pub const ENV_PORTS_BESIDE: &str = "AERIE_DIRECTOR_PORTS_BESIDE";
/// Environment variable with the instance's id.
pub const ENV_INSTANCE: &str = "AERIE_INSTANCE";
/// Environment variable with the CA certificate, the instance's certificate and its key, PEM, concatenated and base64.
pub const ENV_IDENTITY: &str = "AERIE_IDENTITY";
/// The name in the agent listener's certificate, whatever its address is.
pub const DIRECTOR_TLS_NAME: &str = "director.aerie.internal";
