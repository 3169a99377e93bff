//! Instances.

use crate::{Credits, InstanceId, RolePhase};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Where an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Its container is being made.
    Creating,
    /// The container runs; its roles are not healthy yet.
    Starting,
    /// All its roles are healthy.
    Running,
    /// A role that was healthy is not.
    Unhealthy,
    /// It is leaving.
    Draining,
    /// Its agent has not been heard of for a while.
    Lost,
}

/// One role on one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceRoleView {
    /// Role name.
    pub role: String,
    /// Where it is.
    pub phase: RolePhase,
    /// The last health probe succeeded.
    pub healthy: bool,
    /// What the last failed probe or exit said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How often its process was started again after it ended by itself.
    #[serde(default)]
    pub restarts: u32,
    /// How its process ended by itself last, until it has been well for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<ProcessEndView>,
}

/// How a process ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessEndView {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<String>,
    /// It was ended because the instance used more memory than it may.
    pub out_of_memory: bool,
    /// The last lines that it wrote, oldest first (at most 50).
    pub lines: Vec<String>,
}

/// One container with its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceView {
    /// Id.
    pub id: InstanceId,
    /// Eight characters to call it by.
    pub short: String,
    /// Where it is.
    pub state: InstanceState,
    /// Its roles.
    pub roles: Vec<InstanceRoleView>,
    /// A helper of the kind (such as a session store): costs nothing, is not counted.
    pub auxiliary: bool,
    /// Address on the application's network.
    pub address: Option<String>,
    /// Size name.
    pub size: String,
    /// Processor now, thousandths of a core.
    pub cpu_millis: Option<u32>,
    /// Processor limit, thousandths of a core.
    pub cpu_limit_millis: u32,
    /// Memory now, bytes.
    pub memory_bytes: Option<u64>,
    /// Memory limit, bytes.
    pub memory_limit_bytes: u64,
    /// When created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// What it cost until now.
    pub cost: Credits,
}
