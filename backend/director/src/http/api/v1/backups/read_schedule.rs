//! `GET /api/v1/services/{id}/backups/schedule`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::BackupSchedule};
use aerie_usecases::UseCases;
use axum::extract::State;

/// How often backups of a service are made by themselves.
#[utoipa::path(
    get,
    path = "/services/{id}/backups/schedule",
    tag = "backups",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 200, description = "The schedule.", body = BackupSchedule))
)]
pub async fn read_backup_schedule(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Json<BackupSchedule>, ApiError> {
    Ok(Json(usecases.backup_schedule(&actor, id).await?))
}
