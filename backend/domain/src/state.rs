//! The states that people see, with the same words in the database, the API and the pages.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// The word, as in the database, the API and the pages.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(format!("unknown {}: {other}", stringify!($name))),
                }
            }
        }
    )+};
}

pub(crate) use words;

words! {
    /// Where a service is. The names are ConPaaS'.
    ServiceState {
        /// Created, never started.
        Init = "INIT",
        /// Starting.
        Prologue = "PROLOGUE",
        /// Everything is as it was asked for.
        Running = "RUNNING",
        /// Running while something changes.
        Adapting = "ADAPTING",
        /// Stopping.
        Epilogue = "EPILOGUE",
        /// Stopped; data, code and settings are kept.
        Stopped = "STOPPED",
        /// Cannot get where it should be; the reason says why, and it retries by itself.
        Error = "ERROR",
    }

    /// What the owner wants of a service.
    DesiredState {
        /// No instances.
        Stopped = "stopped",
        /// Instances as counted per role.
        Running = "running",
        /// Gone. Final.
        Deleted = "deleted",
    }

    /// Where a role of an instance is. Phases only move downwards in this list.
    RolePhase {
        /// Wanted, not yet ready for others to use.
        Starting = "starting",
        /// Ready: others may be told of it.
        Serving = "serving",
        /// Others are being told to leave it alone; it ends after a while.
        Draining = "draining",
    }

    /// What somebody asked for.
    OperationKind {
        /// Start a service.
        Start = "start",
        /// Stop a service.
        Stop = "stop",
        /// Remove a service and its data.
        Delete = "delete",
        /// Change role counts.
        Scale = "scale",
        /// Make a code version the active one.
        Activate = "activate",
        /// Change settings or environment variables.
        Configure = "configure",
        /// Replace all instances by new ones.
        Restart = "restart",
    }

    /// How far an operation is.
    OperationState {
        /// Accepted; the manager has not looked at it yet.
        Pending = "pending",
        /// Being worked on.
        Running = "running",
        /// Done.
        Done = "done",
        /// Given up with a reason (the service itself goes on retrying).
        Failed = "failed",
        /// A newer request took its place.
        Superseded = "superseded",
    }

    /// How a volume is.
    VolumeState {
        /// It can be used.
        Ready = "ready",
        /// A snapshot that is not complete yet.
        Copying = "copying",
        /// A snapshot that could not be made; the reason says why.
        Failed = "failed",
    }

    /// What an API token may do.
    TokenScope {
        /// Look, not touch.
        Read = "read",
        /// Everything that its owner may do, except with the account itself.
        Write = "write",
    }

    /// How much of a person's credit is used.
    CreditLevel {
        /// Less than 80 %.
        Fine = "fine",
        /// 80 % or more.
        Low = "low",
        /// 95 % or more.
        VeryLow = "very_low",
        /// All of it: services stop.
        UsedUp = "used_up",
    }

    /// What moved credit.
    LedgerKind {
        /// Somebody gave it, or took it back.
        Grant = "grant",
        /// An instance used it.
        Charge = "charge",
    }

    /// What kind of user.
    UserRole {
        /// A person.
        User = "user",
        /// A person who looks after the installation.
        Admin = "admin",
        /// The platform itself: owns system services, cannot log in.
        System = "system",
    }
}

impl ServiceState {
    /// Instances exist or are on their way.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Prologue | Self::Running | Self::Adapting | Self::Epilogue)
    }
}

impl OperationState {
    /// Nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Superseded)
    }
}
