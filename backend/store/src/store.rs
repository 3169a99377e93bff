//! The pool, transactions, and the schema.

use crate::{Lease, StoreError};
use sqlx::{
    Connection, PgConnection, PgPool, Postgres, Transaction,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

/// The migrations, compiled in.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// How long a request waits for a free connection. Larger: slow answers instead of errors under load; smaller: errors
/// in short bursts.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Limits that the database keeps for us, also when this process is stopped in the middle of something.
/// - a statement: larger lets a bad plan hold a connection, smaller breaks lists on a busy machine;
/// - a lock: must be shorter than a statement, so that the error names the cause;
/// - an idle transaction: a paused director holds its lease's row locked; larger delays the director that takes over.
const SESSION_LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "30s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "20s")];

/// Migrations may take as long as they take, and wait for another director that is running them.
const NO_LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")];

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
}

/// A transaction. Dropped without [`commit`](Txn::commit), it changes nothing.
///
/// Caveats: it holds a connection; do not use the [`Store`] while one is open, or a full pool waits for itself.
#[derive(Debug)]
pub struct Txn<'a> {
    inner: Transaction<'a, Postgres>,
}

impl Store {
    /// Opens a pool of at most `max_connections`. One of them is the [`Listener`](crate::Listener)'s.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let options = url.parse::<PgConnectOptions>()?.application_name("aerie").options(SESSION_LIMITS);
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    /// A store over an existing pool.
    pub const fn from_pool(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Brings the schema up to date. Several directors may do so at once: the first takes an advisory lock, the others
    /// wait and find nothing left to do.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let options = self.pool.connect_options().as_ref().clone().options(NO_LIMITS);
        let mut connection = PgConnection::connect_with(&options).await?;
        MIGRATOR.run(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query_scalar!(r#"select 1 as "one!""#).fetch_one(&self.pool).await?;
        Ok(())
    }

    /// The pool, for tests that prepare rows of their own.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Txn<'static>, StoreError> {
        Ok(Txn { inner: self.pool.begin().await? })
    }

    /// Begins a transaction that is good only under this lease: checks that it is still ours and not over, and keeps
    /// anybody from taking it before the end of the transaction.
    ///
    /// Caveat: renewing the same lease waits for the transaction too; never do so while holding it.
    pub async fn begin_fenced(&self, lease: &Lease) -> Result<Txn<'static>, StoreError> {
        let mut txn = self.begin().await?;
        txn.lease_hold(lease).await?;
        Ok(txn)
    }
}

impl Txn<'_> {
    /// Makes the changes last.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }

    /// The connection, for this crate's statements.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
