//! The frames.

use crate::{InstanceConfig, InstanceReport, Usage};
use aerie_domain::InstanceId;
use serde::{Deserialize, Serialize};

/// From the director to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ToAgent {
    /// Bring this about. Sent on connect and whenever it changes.
    Configure(Box<InstanceConfig>),
    /// Stop everything and exit with code 0: the instance is about to be removed. Processes get their stop signals.
    Shutdown,
    /// Go away for good: this instance is not known (any more). The agent stops everything and exits.
    Refused {
        /// Why, for the agent's log.
        reason: String,
    },
}

/// From an agent to the director.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FromAgent {
    /// First frame.
    Hello {
        /// [`PROTOCOL_VERSION`](crate::PROTOCOL_VERSION).
        protocol: u32,
        /// Who it is; must equal the name in its certificate.
        instance: InstanceId,
        /// Generation of the configuration it has applied; 0 if none.
        generation: i64,
    },
    /// On every change, and every 10 s as a sign of life.
    Report(Box<InstanceReport>),
    /// Every 2 s.
    Usage(Usage),
}
