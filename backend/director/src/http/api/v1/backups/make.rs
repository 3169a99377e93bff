//! `POST /api/v1/services/{id}/backups`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::BackupView};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Make a backup.
///
/// It is made and then checked by one of the service's instances: look at it until its `state` is no longer `making` and it has
/// a `check`.
#[utoipa::path(
    post,
    path = "/services/{id}/backups",
    tag = "backups",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 202, description = "The backup that is being made.", body = BackupView))
)]
pub async fn make_backup(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<(StatusCode, Json<BackupView>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(usecases.make_backup(&actor, id).await?)))
}
