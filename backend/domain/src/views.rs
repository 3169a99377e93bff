//! What crosses the wire: the JSON of the REST API and the data behind every page are the same types.
//!
//! Money is [`Credits`](crate::Credits), memory is bytes, processor time is thousandths of a core, times are UTC.

mod account;
mod action;
mod admin;
mod application;
mod backup;
mod binding;
mod code;
mod credit;
mod event;
mod instance;
mod kind;
mod load;
mod load_run;
mod log;
mod operation;
mod page;
mod service;
mod volume;
mod volume_file;

pub use account::{ChangePassword, CreateToken, CreatedToken, LogIn, Me, Register, SessionView, TokenView, UserView};
pub use action::{
    ActionInstanceView, ActionResultView, ActionRunView, ActionState, ActionTarget, ActionView, ActionsView, LightView,
    RunAction, RunsQuery,
};
pub use admin::{
    AdminUserView, AnnouncementView, AuditQuery, AuditView, CreateAnnouncement, DirectorReport, DirectorView,
    FailingServiceView, HealthView, SearchQuery, WorkView,
};
pub use application::{ApplicationView, CreateApplication, Rename, UseView};
pub use backup::{BackupCheckView, BackupJobView, BackupSchedule, BackupView, BackupsView, RestoreBackup};
pub use binding::{AccessView, BindService, BindingView, ConnectionsView, OfferView, SecretView, ServiceLink};
pub use code::{CodeCheck, CodeVersionView};
pub use credit::{CreditView, CreditsView, DayUse, Grant, LedgerEntryView};
pub use event::{EventKind, EventView};
pub use instance::{InstanceRoleView, InstanceState, InstanceView, ProcessEndView};
pub use kind::{KindCategory, KindView, RoleSpecView};
pub use load::{Figures, InstanceLoadView, LoadQuery, LoadView, RoleLoadView};
pub use load_run::{LoadRunResult, LoadRunState, LoadRunView, StartLoadRun};
pub use log::{LogLine, LogQuery, LogSource};
pub use operation::{Accepted, AcceptedAll, OperationView};
pub use page::{Page, PageQuery};
pub use service::{
    ActivateVersion, ChangeSettings, CreateService, FigureView, RoleCount, RoleView, Scale, ServiceSummary,
    ServiceView, SettingView, VariableChange, VariableView,
};
pub use volume::{
    AttachVolume, ChangeVolume, CreateVolume, RestoreVolume, ServiceVolumeView, ServiceVolumesView, SnapshotVolume,
    VolumeUseView, VolumeView,
};
pub use volume_file::{VolumeEntryKind, VolumeEntryView, VolumeFolderView, VolumePathQuery};
