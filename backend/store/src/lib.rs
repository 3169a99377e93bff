//! Everything that is kept in Postgres, and the only place with SQL.
//!
//! Used by the use cases, the manager and the director; uses the domain's words and the agents' protocol. Reads are
//! methods of [`Store`], changes are methods of [`Txn`], so that what belongs together is committed together; the few
//! changes on `Store` are complete in themselves. Methods are named resource first: `service_list`.
//!
//! Guarantees: rows come out as typed values or as [`StoreError::Inconsistent`]; a change that meant one row and met
//! none is an error; leases, expiry and meters go by the database's clock alone.
//!
//! To extend: a new migration file, a module per group of tables with its row types on top, one statement per function
//! with a checked macro, `scripts/sqlx prepare`, and a test in `tests/`.

mod accounts;
mod actions;
mod announcements;
mod applications;
mod audit;
mod backup_jobs;
mod backup_schedules;
mod backups;
mod bindings;
mod charging;
mod charging_clock;
mod error;
mod events;
mod figure_loads;
mod figures;
mod for_manager;
mod health;
mod instance_agents;
mod instance_rows;
mod instances;
mod leases;
mod ledger;
mod listener;
mod load_runs;
mod loads;
mod loads_kept;
mod manager_log;
mod meters;
mod operations;
mod removed_instances;
mod routes;
mod secrets;
mod service_status;
mod service_volumes;
mod services;
mod session_store;
pub use instance_agents::ReportKept;
mod sessions;
mod store;
mod tokens;
mod user_list;
mod versions;
mod volume_work;
mod volumes;
mod wakes;

pub use accounts::{NewUser, UserRow};
pub use actions::{ActionResultRow, ActionRunRow, NewActionResult, NewActionRun, OpenActionRow};
pub use announcements::{AnnouncementRow, NewAnnouncement};
pub use applications::{ApplicationRow, OwnerRow};
pub use audit::{AuditFilter, AuditRow, NewAudit};
pub use backup_jobs::{BackupJobRow, NewBackupJob, TaskResult};
pub use backups::{BackupRow, NewBackup};
pub use bindings::BindingRow;
pub use charging::Charged;
pub use charging_clock::ClockReading;
pub use error::StoreError;
pub use events::{EventCursor, EventRow, NewEvent};
pub use figure_loads::{FigureLoad, FigureLoadRow, RequestsNowRow};
pub use figures::{InstanceNames, PoolFigures};
pub use health::{DirectorHealth, DirectorRow, FailingServiceRow, WorkRow};
pub use instance_rows::{InstanceBrief, InstanceLite, InstanceRole, InstanceRow, NewInstance};
pub use leases::Lease;
pub use ledger::{CreditRow, LedgerDayRow, LedgerEntryRow, NewGrant};
pub use listener::{Listener, Signal};
pub use load_runs::{LoadRunLimits, LoadRunRow, NewLoadRun};
pub use loads::{FINEST_STEP_S, InstanceLoad, RoleLoad, UsageRow};
pub use loads_kept::{InstanceLoadRow, RoleLoadRow};
pub use manager_log::{LogLevel, ManagerLogRow};
pub use meters::InstanceCostRow;
pub use operations::{NewOperation, OperationRow};
pub use removed_instances::RemovedInstanceRow;
pub use routes::{RouteInstance, RouteSource};
pub use secrets::Secrets;
pub use service_status::ServiceStatus;
pub use service_volumes::AttachmentRow;
pub use services::{NewService, ServiceIntent, ServiceRow, Variable};
pub use session_store::{PgSessionStore, public_session_id};
pub use sessions::SessionRow;
pub use store::{MIGRATOR, Store, Txn};
pub use tokens::{NewToken, TokenRow};
pub use user_list::UserListRow;
pub use versions::{NewVersion, VersionRow};
pub use volume_work::CopyWork;
pub use volumes::{NewVolume, VolumeRow};
