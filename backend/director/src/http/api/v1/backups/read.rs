//! `GET /api/v1/services/{id}/backups/{backup}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{BackupId, ServiceId, views::BackupView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// One backup.
#[utoipa::path(
    get,
    path = "/services/{id}/backups/{backup}",
    tag = "backups",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("backup" = BackupId, Path, description = "Backup")
    ),
    responses((status = 200, description = "The backup.", body = BackupView))
)]
pub async fn read_backup(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, backup)): Path<(ServiceId, BackupId)>,
) -> Result<Json<BackupView>, ApiError> {
    Ok(Json(usecases.backup(&actor, id, backup).await?))
}
