//! `POST /api/v1/services/{id}/backups/{backup}/restore`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    BackupId, ServiceId,
    views::{BackupJobView, RestoreBackup},
};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Put a backup back.
///
/// What the service keeps now is backed up and checked first; if that fails, nothing is changed. `confirm` must be the name of
/// the service. How it goes on is `job` in the list of backups, how it ended `last_restore`.
#[utoipa::path(
    post,
    path = "/services/{id}/backups/{backup}/restore",
    tag = "backups",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("backup" = BackupId, Path, description = "Backup")
    ),
    request_body = RestoreBackup,
    responses((status = 202, description = "Begun.", body = BackupJobView))
)]
pub async fn restore_backup(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, backup)): Path<(ServiceId, BackupId)>,
    Json(form): Json<RestoreBackup>,
) -> Result<(StatusCode, Json<BackupJobView>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(usecases.restore_backup(&actor, id, backup, &form).await?)))
}
