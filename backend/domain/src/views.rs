//! What crosses the wire: the JSON of the REST API and the data behind every page are the same types.
//!
//! Money is [`Credits`](crate::Credits), memory is bytes, processor time is thousandths of a core, times are UTC.

mod account;
mod application;
mod code;
mod event;
mod instance;
mod kind;
mod log;
mod operation;
mod page;
mod service;

pub use account::{
    ChangePassword, CreateToken, CreatedToken, CreditView, LogIn, Me, Register, SessionView, TokenView, UserView,
};
pub use application::{ApplicationView, CreateApplication, Rename};
pub use code::{CodeCheck, CodeVersionView};
pub use event::{EventKind, EventView};
pub use instance::{InstanceRoleView, InstanceState, InstanceView, ProcessEndView};
pub use kind::{KindCategory, KindView, RoleSpecView};
pub use log::{LogLine, LogQuery, LogSource};
pub use operation::{Accepted, OperationView};
pub use page::{Page, PageQuery};
pub use service::{
    ActivateVersion, ChangeSettings, CreateService, RoleView, Scale, ServiceSummary, ServiceView, SettingView,
    VariableChange, VariableView,
};
