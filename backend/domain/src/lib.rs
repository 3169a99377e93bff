//! The words of Aerie as types: ids, names, states, sizes, views and problems.
//!
//! May be used by every other crate, the browser included; uses none of them and does no I/O.
//! To extend: one concept per module; what crosses the wire lives in `views`.

mod backup;
mod capability;
mod figure;
mod ids;
mod names;
mod problem;
mod setting;
mod size;
mod state;
mod times;
pub mod views;
mod volume_path;

pub use backup::{BackupEvery, BackupJobKind, BackupScript, BackupState, BackupStep, BackupWhy};
pub use capability::ALLOWED_CAPABILITIES;
pub use figure::{Across, FigureSpec, FigureUnit};
pub use ids::{
    ActionRunId, AnnouncementId, ApplicationId, BackupId, BackupJobId, BootId, CodeVersionId, DirectorId, InstanceId,
    LifeId, LoadRunId, OperationId, ServiceId, SessionId, TokenId, UserId, VolumeId,
};
pub use names::{
    ActionName, ApplicationName, KindName, NameError, RoleName, ServiceName, UserName, VariableName, VolumeName,
};
pub use problem::{FieldError, Problem, ProblemCode};
pub use setting::{SettingKind, SettingSpec};
pub use size::{Credits, InstanceSize, MicroCredits};
pub use state::{
    CreditLevel, DesiredState, LedgerKind, OperationKind, OperationState, RolePhase, ServiceState, TokenScope,
    UserRole, VolumeState,
};
pub use times::Times;
pub use volume_path::{VolumePath, VolumePathError};
