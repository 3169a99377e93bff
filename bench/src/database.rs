//! Questions to the installation's database, by psql: what it was asked to do, and what it holds.

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// The single value that a query gives.
pub async fn ask(url: &str, query: &str) -> Result<f64> {
    let mut psql = Command::new("psql");
    psql.args(["--quiet", "--no-align", "--tuples-only", "--dbname", url, "--command", query]);
    let output = psql.output().await.context("psql cannot be run")?;
    ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("{query} gave {text:?}"))
}

/// Transactions that this database has ended.
pub async fn transactions(url: &str) -> Result<f64> {
    ask(url, "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()").await
}

/// Connections to this database but ours.
pub async fn connections(url: &str) -> Result<f64> {
    let query = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    ask(url, query).await
}
