//! `DELETE /api/v1/services/{id}/backups/{backup}`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{BackupId, ServiceId};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Remove a backup for good.
///
/// Not while it is being made, checked or put back.
#[utoipa::path(
    delete,
    path = "/services/{id}/backups/{backup}",
    tag = "backups",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("backup" = BackupId, Path, description = "Backup")
    ),
    responses((status = 204, description = "Removed."))
)]
pub async fn delete_backup(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, backup)): Path<(ServiceId, BackupId)>,
) -> Result<StatusCode, ApiError> {
    usecases.delete_backup(&actor, id, backup).await?;
    Ok(StatusCode::NO_CONTENT)
}
