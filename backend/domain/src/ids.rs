//! One type per kind of id, so that a service id can never be passed where an instance id is meant.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id; ids made later sort later (UUID version 7).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The last eight hexadecimal digits: random, so unlikely to meet twice on one page.
            pub fn short(&self) -> String {
                let text = self.0.simple().to_string();
                text[text.len() - 8..].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A person (or the system itself) that owns applications.
    UserId,
    /// A signed-in browser; not the secret in its cookie.
    SessionId,
    /// An API token; not its secret.
    TokenId,
    /// What a user composes out of services.
    ApplicationId,
    /// One instance of a service kind inside an application.
    ServiceId,
    /// One container that runs one or more roles. Never reused.
    InstanceId,
    /// An immutable upload of code.
    CodeVersionId,
    /// A change that somebody asked for.
    OperationId,
    /// One run of the load generator.
    LoadRunId,
    /// One time that somebody pressed the button of an action.
    ActionRunId,
    /// What a service kept at one time, taken out of it.
    BackupId,
    /// One backup, check or restoration that is made step by step.
    BackupJobId,
    /// One life of an agent, from its start to its end: what ran in an earlier one is gone.
    LifeId,
    /// A named volume of an application.
    VolumeId,
    /// One running director process.
    DirectorId,
    /// A banner on every page.
    AnnouncementId,
    /// One boot of a machine: its uptime counts from there.
    BootId,
}
