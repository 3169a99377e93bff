//! Actions: buttons of a service that run a script on its instances.

use crate::{ActionName, ActionRunId, InstanceId, SettingSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// On which instances an action runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActionTarget {
    /// On all that have one of its roles.
    All,
    /// On those that are chosen; on all when nothing is said.
    #[default]
    Chosen,
    /// On the oldest one.
    First,
}

/// A button and its form, as the kind's template declares them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionView {
    /// Name in the API and in logs.
    pub name: ActionName,
    /// Label of the button.
    pub title: String,
    /// One or two sentences beside it.
    pub help: String,
    /// Instances with one of these roles can run it.
    pub roles: Vec<String>,
    /// On which of them it does.
    pub on: ActionTarget,
    /// What can be typed in, in page order.
    pub fields: Vec<SettingSpec>,
    /// Seconds until it is ended; 0: never.
    pub timeout_s: u32,
}

/// How far an action is on one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// The instance has not told of it yet.
    Asked,
    /// It runs.
    Running,
    /// It has ended; the code says how, if it ended by itself.
    Ended,
    /// The instance was removed or started anew before it told of an end.
    Lost,
}

impl ActionState {
    /// As in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Lost => "lost",
        }
    }

    /// Nothing more will come of it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Ended | Self::Lost)
    }
}

impl std::str::FromStr for ActionState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Asked, Self::Running, Self::Ended, Self::Lost]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a state of an action"))
    }
}

/// What became of an action on one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionResultView {
    /// The instance; it may be gone.
    pub instance_id: InstanceId,
    /// What it is called.
    pub instance: String,
    /// As which of its roles.
    pub role: String,
    /// How far it is.
    pub state: ActionState,
    /// Exit code.
    pub code: Option<i32>,
    /// How it ended, in words.
    pub message: String,
    /// When the instance told that it runs.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it told of the end.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
}

/// One press of a button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionRunView {
    /// Id.
    pub id: ActionRunId,
    /// The action.
    pub action: String,
    /// What was typed in, complete.
    pub values: BTreeMap<String, String>,
    /// Who pressed; none when that person is gone.
    pub requested_by: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// What became of it, by instance.
    pub results: Vec<ActionResultView>,
}

/// The newest result of an action on an instance. No light: it was never started there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LightView {
    /// The action.
    pub action: String,
    /// Which press of it.
    pub run: ActionRunId,
    /// How far it is.
    pub state: ActionState,
    /// Exit code.
    pub code: Option<i32>,
    /// How it ended, in words.
    pub message: String,
}

/// An instance that can run actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionInstanceView {
    /// Id.
    pub id: InstanceId,
    /// What it is called.
    pub short: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// It takes actions now: it is up and not on its way out.
    pub ready: bool,
    /// One per action that was ever started here.
    pub lights: Vec<LightView>,
}

/// Everything about the actions of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionsView {
    /// What can be pressed.
    pub actions: Vec<ActionView>,
    /// Why an action cannot be pressed now, by name.
    pub obstacles: BTreeMap<String, String>,
    /// Instances that have a role of some action, oldest first.
    pub instances: Vec<ActionInstanceView>,
    /// The newest runs, newest first.
    pub runs: Vec<ActionRunView>,
}

/// What is sent to run an action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunAction {
    /// Values of its fields; what is left out has its default.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// On which instances; left out: on all that can. Only for actions that run on chosen ones.
    #[serde(default)]
    pub instances: Option<Vec<InstanceId>>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct RunsQuery {
    /// Only older ones than this.
    pub before: Option<ActionRunId>,
}
