//! Waiting for Postgres.

use crate::{config::Config, errors::chain};
use aerie_store::Store;
use anyhow::{Context, bail};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long to wait for Postgres at start: after a reboot it often comes up later than we do. Longer: a wrong address
/// is noticed later.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Connects, trying for a while.
pub(super) async fn connect(config: &Config) -> anyhow::Result<Store> {
    let until = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        let error = match Store::connect(&config.database_url, config.options.database_connections).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if Instant::now() >= until {
            bail!("Postgres does not answer: {}. Start it, or correct AERIE_DATABASE_URL.", chain(&error));
        }
        if !told {
            tracing::warn!(error = chain(&error), "Postgres does not answer yet; trying for {} s", PATIENCE.as_secs());
            told = true;
        }
        sleep(PAUSE).await;
    }
}

/// Brings the schema up to date and ends.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let store = connect(config).await?;
    store.migrate().await.context("the database's schema could not be brought up to date")?;
    tracing::info!("the database's schema is up to date");
    Ok(())
}
