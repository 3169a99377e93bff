//! Backups of a service. Uploads go to a route of the director, because they are streamed.

use super::Dated;
use crate::PageError;
use aerie_domain::{BackupEvery, BackupId, ServiceId, views::BackupsView};
use leptos::prelude::*;

/// Everything about the backups of a service.
#[server(prefix = "/fn", endpoint = "load_backups")]
pub async fn load_backups(service: ServiceId) -> Result<Dated<BackupsView>, PageError> {
    use crate::ssr::context;
    Ok(Dated::new(context::use_cases()?.backups(&context::actor()?, service).await?))
}

/// Has a backup made.
#[server(prefix = "/fn", endpoint = "make_backup")]
pub async fn make_backup(service: ServiceId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.make_backup(&context::actor()?, service).await?;
    context::back_to(&format!("/services/{service}#backups"));
    Ok(())
}

/// Removes a backup for good.
#[server(prefix = "/fn", endpoint = "delete_backup")]
pub async fn delete_backup(service: ServiceId, backup: BackupId) -> Result<(), PageError> {
    use crate::ssr::context;
    context::use_cases()?.delete_backup(&context::actor()?, service, backup).await?;
    context::back_to(&format!("/services/{service}#backups"));
    Ok(())
}

/// Has a backup put back.
#[server(prefix = "/fn", endpoint = "restore_backup")]
pub async fn restore_backup(service: ServiceId, backup: BackupId, confirm: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::views::RestoreBackup;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let form = RestoreBackup { confirm: confirm.clone() };
    let done = use_cases.restore_backup(&actor, service, backup, &form).await;
    done.map_err(|failure| PageError::from(failure).keeping("confirm", &confirm))?;
    context::back_to(&format!("/services/{service}#backups"));
    Ok(())
}

/// Says how often backups are made by themselves.
#[server(prefix = "/fn", endpoint = "set_backup_schedule")]
pub async fn set_backup_schedule(service: ServiceId, every: BackupEvery, keep: String) -> Result<(), PageError> {
    use crate::ssr::context;
    use aerie_domain::{Problem, views::BackupSchedule};
    let kept = |error: PageError| error.keeping("keep", &keep);
    let number = keep.trim().parse().map_err(|_| kept(Problem::field("keep", "must be a number").into()))?;
    let (actor, use_cases) = (context::actor()?, context::use_cases()?);
    let schedule = BackupSchedule { every, keep: number };
    use_cases.set_backup_schedule(&actor, service, schedule).await.map_err(|failure| kept(failure.into()))?;
    context::back_to(&format!("/services/{service}#backups"));
    Ok(())
}
