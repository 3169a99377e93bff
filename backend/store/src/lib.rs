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
mod applications;
mod audit;
mod bindings;
mod error;
mod events;
mod for_manager;
mod instance_agents;
mod instance_rows;
mod instances;
mod leases;
mod listener;
mod manager_log;
mod meters;
mod operations;
mod removed_instances;
mod routes;
mod secrets;
mod service_status;
mod services;
mod session_store;
mod sessions;
mod store;
mod tokens;
mod usages;
mod versions;
mod wakes;

pub use accounts::{NewUser, UserRow};
pub use applications::{ApplicationRow, OwnerRow};
pub use audit::NewAudit;
pub use bindings::BindingRow;
pub use error::StoreError;
pub use events::{EventCursor, EventRow, NewEvent};
pub use instance_rows::{InstanceLite, InstanceRole, InstanceRow, NewInstance};
pub use leases::Lease;
pub use listener::{Listener, Signal};
pub use manager_log::{LogLevel, ManagerLogRow};
pub use meters::{CreditRow, InstanceCostRow};
pub use operations::{NewOperation, OperationRow};
pub use removed_instances::RemovedInstanceRow;
pub use routes::{RouteInstance, RouteSource};
pub use secrets::Secrets;
pub use service_status::ServiceStatus;
pub use services::{NewService, ServiceIntent, ServiceRow, Variable};
pub use session_store::{PgSessionStore, public_session_id};
pub use sessions::SessionRow;
pub use store::{MIGRATOR, Store, Txn};
pub use tokens::{NewToken, TokenRow};
pub use usages::UsageRow;
pub use versions::{NewVersion, VersionRow};
