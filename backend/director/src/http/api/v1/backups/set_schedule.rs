//! `PUT /api/v1/services/{id}/backups/schedule`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::BackupSchedule};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Say how often backups of a service are made by themselves, and how many of these are kept.
///
/// While the service is stopped none is made; one that fell due meanwhile is made when it runs again.
#[utoipa::path(
    put,
    path = "/services/{id}/backups/schedule",
    tag = "backups",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body = BackupSchedule,
    responses((status = 200, description = "The new schedule.", body = BackupSchedule))
)]
pub async fn set_backup_schedule(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Json(schedule): Json<BackupSchedule>,
) -> Result<Json<BackupSchedule>, ApiError> {
    Ok(Json(usecases.set_backup_schedule(&actor, id, schedule).await?))
}
