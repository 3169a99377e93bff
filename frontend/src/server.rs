//! Server functions: what pages ask for and send, one module per resource. Each is a public endpoint under `/fn/` that
//! calls one use case as the person who asks; none decides anything by itself.
//!
//! Loads bring the server's clock along ([`Dated`]), so that "3 min ago" reads the same on both sides of hydration.

mod accounts;
mod actions;
mod admin;
mod applications;
mod backups;
mod code;
mod configuration;
mod connections;
mod credits;
mod frame;
mod kinds;
mod load;
mod logs;
mod services;
mod sessions;
mod tokens;
mod volumes;

pub use accounts::{ChangePassword, Register, who_am_i};
pub use actions::{RunAction, load_actions};
pub use admin::{
    AdminStopService, AdminUserData, Announce, DisableUser, EnableUser, GrantCredit, WithdrawAnnouncement,
    load_admin_user, load_admin_users, load_all_applications, load_announcements, load_audit_log, load_health,
};
pub use applications::{
    ApplicationData, ApplicationsData, CreateApplication, DeleteApplication, RenameApplication, RestartApplication,
    StartApplication, StopApplication, load_application, load_applications,
};
pub use backups::{DeleteBackup, MakeBackup, RestoreBackup, SetBackupSchedule, load_backups};
pub use code::{ActivateVersion, DeleteVersion};
pub use configuration::{ConfigureSettings, RemoveVariable, SetVariable};
pub use connections::{AccessData, BindService, RenewSecret, UnbindService, load_access};
pub use credits::{CreditsData, load_credits};
pub use frame::{FrameData, load_frame};
pub use kinds::{NewServiceData, load_new_service};
pub use load::{CancelLoadRun, StartLoadRun, load_load, load_load_runs};
pub use logs::load_manager_log;
pub use services::{
    CreateService, DeleteService, RenameService, RestartService, ScaleService, ServiceData, StartService, StopService,
    load_service,
};
pub use sessions::{AccountData, LogIn, RevokeOtherSessions, RevokeSession, load_account};
pub use tokens::{CreateToken, RevokeToken};
pub use volumes::{
    ChangeVolume, CreateVolume, DeleteVolume, DeleteVolumeFile, FilesData, RestoreVolume, SetVolume, SnapshotVolume,
    TrashData, load_trash, load_volume, load_volume_files,
};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Data with the server's time at which it was true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<T> {
    /// The server's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// Events after this one are not in the data; pages that hear of events have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// What was true then.
    pub data: T,
}

#[cfg(feature = "ssr")]
impl<T> Dated<T> {
    fn new(data: T) -> Self {
        Self { now: crate::ssr::context::now(), seen: None, data }
    }

    /// Of data that was read after the newest event was.
    fn since(seen: String, data: T) -> Self {
        Self { seen: Some(seen), ..Self::new(data) }
    }
}
