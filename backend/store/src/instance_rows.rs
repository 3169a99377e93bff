//! The rows of table `instances`.

use aerie_agent_protocol::{InstanceConfig, InstanceReport};
use aerie_domain::{DirectorId, InstanceId, RoleName, RolePhase, ServiceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::{Json, Uuid};
use time::OffsetDateTime;

/// One role on one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRole {
    /// The role.
    pub role: RoleName,
    /// Where it is.
    pub phase: RolePhase,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// A draining role ends when this has passed.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub drain_until: Option<OffsetDateTime>,
}

/// An instance with everything its manager needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRow {
    /// Id.
    pub id: InstanceId,
    /// The service it belongs to.
    pub service_id: ServiceId,
    /// Eight characters to call it by.
    pub short: String,
    /// A helper of the kind: costs nothing, is not counted.
    pub auxiliary: bool,
    /// Size name.
    pub size: String,
    /// False is final: it is condemned.
    pub wanted: bool,
    /// Its roles.
    pub roles: Vec<InstanceRole>,
    /// What its container is made from; none until decided.
    pub container: Option<Value>,
    /// Address on the application's network.
    pub address: Option<String>,
    /// Status in the last inventory; `absent` before the first.
    pub container_status: String,
    /// What its agent shall bring about.
    pub config: Option<InstanceConfig>,
    /// The configuration's generation; 0 before the first.
    pub config_generation: i64,
    /// The agent's last report.
    pub report: Option<InstanceReport>,
    /// When that came.
    pub report_at: Option<OffsetDateTime>,
    /// The director that its agent is connected to.
    pub connected_to: Option<DirectorId>,
    /// When it was intended.
    pub created_at: OffsetDateTime,
    /// First time all roles were healthy.
    pub healthy_at: Option<OffsetDateTime>,
    /// Which volume of the role with slots it has; nothing without such a role. No two rows of a service share one.
    pub slot: Option<i32>,
    /// The generation of its service when it was intended.
    pub generation: i64,
}

/// An instance as pages show it: without container and configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceLite {
    /// Id.
    pub id: InstanceId,
    /// The service it belongs to.
    pub service_id: ServiceId,
    /// Eight characters to call it by.
    pub short: String,
    /// A helper of the kind: costs nothing, is not counted.
    pub auxiliary: bool,
    /// Size name.
    pub size: String,
    /// False is final: it is condemned.
    pub wanted: bool,
    /// Its roles.
    pub roles: Vec<InstanceRole>,
    /// Address on the application's network.
    pub address: Option<String>,
    /// Status in the last inventory; `absent` before the first.
    pub container_status: String,
    /// The configuration's generation; 0 before the first.
    pub config_generation: i64,
    /// The agent's last report.
    pub report: Option<InstanceReport>,
    /// When that came.
    pub report_at: Option<OffsetDateTime>,
    /// Its agent is connected to some director.
    pub connected: bool,
    /// When it was intended.
    pub created_at: OffsetDateTime,
    /// First time all roles were healthy.
    pub healthy_at: Option<OffsetDateTime>,
}

/// An instance as lists of services count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceBrief {
    /// The service it belongs to.
    pub service_id: ServiceId,
    /// A helper of the kind: costs nothing, is not counted.
    pub auxiliary: bool,
    /// Its roles.
    pub roles: Vec<InstanceRole>,
    /// All its roles have been healthy at some time: its costs count since then.
    pub was_healthy: bool,
}

/// An instance to be. It begins wanted, without container and configuration; its short id is the id's.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// Id.
    pub id: InstanceId,
    /// The service it belongs to.
    pub service_id: ServiceId,
    /// A helper of the kind: costs nothing, is not counted.
    pub auxiliary: bool,
    /// Size name.
    pub size: String,
    /// Its roles.
    pub roles: Vec<InstanceRole>,
    /// See [`InstanceRow::slot`].
    pub slot: Option<i32>,
}

pub(crate) struct InstanceRaw {
    pub id: Uuid,
    pub service_id: Uuid,
    pub short: String,
    pub auxiliary: bool,
    pub size: String,
    pub wanted: bool,
    pub roles: Json<Vec<InstanceRole>>,
    pub container: Option<Value>,
    pub address: Option<String>,
    pub container_status: String,
    pub config: Option<Json<InstanceConfig>>,
    pub config_generation: i64,
    pub report: Option<Json<InstanceReport>>,
    pub report_at: Option<OffsetDateTime>,
    pub connected_to: Option<Uuid>,
    pub created_at: OffsetDateTime,
    pub healthy_at: Option<OffsetDateTime>,
    pub slot: Option<i32>,
    pub generation: i64,
}

pub(crate) struct InstanceLiteRaw {
    pub id: Uuid,
    pub service_id: Uuid,
    pub short: String,
    pub auxiliary: bool,
    pub size: String,
    pub wanted: bool,
    pub roles: Json<Vec<InstanceRole>>,
    pub address: Option<String>,
    pub container_status: String,
    pub config_generation: i64,
    pub report: Option<Json<InstanceReport>>,
    pub report_at: Option<OffsetDateTime>,
    pub connected: bool,
    pub created_at: OffsetDateTime,
    pub healthy_at: Option<OffsetDateTime>,
}

pub(crate) struct InstanceBriefRaw {
    pub service_id: Uuid,
    pub auxiliary: bool,
    pub roles: Json<Vec<InstanceRole>>,
    pub was_healthy: bool,
}

impl From<InstanceBriefRaw> for InstanceBrief {
    fn from(raw: InstanceBriefRaw) -> Self {
        Self {
            service_id: ServiceId(raw.service_id),
            auxiliary: raw.auxiliary,
            roles: raw.roles.0,
            was_healthy: raw.was_healthy,
        }
    }
}

impl From<InstanceRaw> for InstanceRow {
    fn from(raw: InstanceRaw) -> Self {
        Self {
            id: InstanceId(raw.id),
            service_id: ServiceId(raw.service_id),
            short: raw.short,
            auxiliary: raw.auxiliary,
            size: raw.size,
            wanted: raw.wanted,
            roles: raw.roles.0,
            container: raw.container,
            address: raw.address,
            container_status: raw.container_status,
            config: raw.config.map(|config| config.0),
            config_generation: raw.config_generation,
            report: raw.report.map(|report| report.0),
            report_at: raw.report_at,
            connected_to: raw.connected_to.map(DirectorId),
            created_at: raw.created_at,
            healthy_at: raw.healthy_at,
            slot: raw.slot,
            generation: raw.generation,
        }
    }
}

impl From<InstanceLiteRaw> for InstanceLite {
    fn from(raw: InstanceLiteRaw) -> Self {
        Self {
            id: InstanceId(raw.id),
            service_id: ServiceId(raw.service_id),
            short: raw.short,
            auxiliary: raw.auxiliary,
            size: raw.size,
            wanted: raw.wanted,
            roles: raw.roles.0,
            address: raw.address,
            container_status: raw.container_status,
            config_generation: raw.config_generation,
            report: raw.report.map(|report| report.0),
            report_at: raw.report_at,
            connected: raw.connected,
            created_at: raw.created_at,
            healthy_at: raw.healthy_at,
        }
    }
}
