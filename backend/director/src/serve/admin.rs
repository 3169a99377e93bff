//! The first admin of a fresh installation.

use aerie_usecases::UseCases;
use anyhow::Context;
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

/// Makes the first admin if there is no person yet and leaves the password where only the operator can read it.
pub(super) async fn ensure(usecases: &UseCases, data_dir: &Path) -> anyhow::Result<()> {
    let created = usecases.ensure_admin().await.context("the first admin could not be made")?;
    let Some(password) = created else { return Ok(()) };
    let path = data_dir.join("admin-password");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("{} could not be written", path.display()))?;
    writeln!(file, "{password}").with_context(|| format!("{} could not be written", path.display()))?;
    tracing::info!(
        "The first admin was made: user name {}, password in {}. Change it after logging in.",
        aerie_usecases::FIRST_ADMIN,
        path.display()
    );
    Ok(())
}
