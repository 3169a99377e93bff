//! What a plan consists of: small things to do, each of which may be repeated.

use crate::world::{Role, Status};
use aerie_agent_protocol::InstanceConfig;
use aerie_cloud::{ContainerSpec, NetworkSpec, VolumeSpec};
use aerie_domain::{ActionRunId, CodeVersionId, InstanceId, ServiceId, views::ActionState};
use std::time::Duration;
use time::OffsetDateTime;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Write the service's status.
    SetStatus(Status),
    /// Note how many slots may have data that is nowhere else.
    KeepSlots(u32),
    /// Make another version the one that visitors get.
    Flip(CodeVersionId),
    /// Intend an instance.
    Insert {
        /// Its id.
        id: InstanceId,
        /// Holds a helper role.
        auxiliary: bool,
        /// Its roles.
        roles: Vec<Role>,
        /// Its slot, if one of them has slots.
        slot: Option<u32>,
    },
    /// Write an instance's roles; `wanted` never goes back to true.
    SetRoles {
        /// The instance.
        id: InstanceId,
        /// All its roles.
        roles: Vec<Role>,
        /// False condemns it.
        wanted: bool,
    },
    /// Write what the agent shall bring about.
    SetConfig {
        /// The instance.
        id: InstanceId,
        /// With its new generation.
        config: Box<InstanceConfig>,
    },
    /// Write what the container is made from.
    SetContainer {
        /// The instance.
        id: InstanceId,
        /// Without its identity.
        spec: Box<ContainerSpec>,
    },
    /// Write what the engine shows.
    SetObserved {
        /// The instance.
        id: InstanceId,
        /// Address.
        address: Option<String>,
        /// What the container does.
        status: String,
    },
    /// All roles are healthy for the first time: costs count from now.
    Meter {
        /// The instance.
        id: InstanceId,
        /// Price, thousandths of a credit per hour.
        price_millis: i64,
    },
    /// Keep what the kind's check said of a version.
    SetCheck {
        /// The version.
        version: CodeVersionId,
        /// It found nothing.
        ok: bool,
        /// What it printed.
        output: String,
    },
    /// Keep how far an action is on an instance.
    SetResult {
        /// The press of its button.
        run: ActionRunId,
        /// The instance.
        instance: InstanceId,
        /// How far.
        state: ActionState,
        /// Exit code.
        code: Option<i32>,
        /// How it ended, in words.
        message: String,
    },
    /// Tell those who wait how far it is.
    Progress(String),
    /// What was asked for up to this generation is done.
    Finish(i64),
    /// What was asked for up to this generation will not be done.
    Fail {
        /// Up to this generation.
        generation: i64,
        /// Why.
        error: String,
    },
    /// The container is gone: forget the instance.
    Retire(InstanceId),
    /// The entry's manager has something to look at.
    WakeEntry(ServiceId),
    /// The managers of services that have volumes which this one carries have something to look at.
    WakeUsersOfCarried,
    /// Have the kind's image built, in the background.
    BuildImage,
    /// Make the application's network.
    EnsureNetwork(NetworkSpec),
    /// Make a volume.
    EnsureVolume(VolumeSpec),
    /// Make and start the container, in the background.
    Run {
        /// The instance.
        id: InstanceId,
        /// Without its identity.
        spec: Box<ContainerSpec>,
        /// A container of this name has ended: keep its output before it is replaced.
        keep_output: bool,
    },
    /// Keep the output and remove the container, in the background.
    Remove {
        /// The instance, condemned.
        id: InstanceId,
        /// How long its processes may take to end.
        grace: Duration,
    },
    /// Remove the service's volumes with their data.
    RemoveVolumes,
    /// Remove the application's network.
    RemoveNetwork,
    /// Remove the service's kept output and its row; with that, what was asked for up to this generation is done.
    Delete(i64),
}

impl Step {
    /// It only writes rows: neighbours share a transaction.
    pub fn is_row(&self) -> bool {
        !matches!(
            self,
            Self::BuildImage
                | Self::EnsureNetwork(_)
                | Self::EnsureVolume(_)
                | Self::Run { .. }
                | Self::Remove { .. }
                | Self::RemoveVolumes
                | Self::RemoveNetwork
                | Self::Delete(_)
        )
    }
}

/// How important a line of the manager's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Something went wrong, and something is done about it.
    Warn,
    /// It cannot go on.
    Error,
}

impl Level {
    /// The word in the database and on pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A line for the manager's log: what is done and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How important.
    pub level: Level,
    /// The text.
    pub text: String,
}

/// What to do now, and when to look again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// For the manager's log. Empty when there are no steps.
    pub lines: Vec<Line>,
    /// Look again then, if nothing happens before.
    pub wake_at: Option<OffsetDateTime>,
    /// Everything is as it shall be: a look now and then is enough.
    pub settled: bool,
}

impl Plan {
    /// Look again at that moment or earlier.
    pub fn wake(&mut self, at: OffsetDateTime) {
        self.wake_at = Some(self.wake_at.map_or(at, |other| other.min(at)));
    }

    /// Adds a line for the log.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.lines.push(Line { level, text: text.into() });
    }
}
