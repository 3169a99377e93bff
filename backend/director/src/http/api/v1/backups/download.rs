//! `GET /api/v1/services/{id}/backups/{backup}/file`.

use crate::http::{api::answers, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{BackupId, ServiceId};
use aerie_usecases::UseCases;
use axum::{extract::State, response::Response};

/// The contents of a backup.
///
/// Not for tokens that may only read: there may be passwords among the data.
#[utoipa::path(
    get,
    path = "/services/{id}/backups/{backup}/file",
    tag = "backups",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("backup" = BackupId, Path, description = "Backup")
    ),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream"))
)]
pub async fn download_backup(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, backup)): Path<(ServiceId, BackupId)>,
) -> Result<Response, ApiError> {
    let (path, name) = usecases.backup_file(&actor, id, backup).await?;
    answers::download(&path, &name).await
}
