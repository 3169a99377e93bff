//! `GET /api/v1/services/{id}/backups`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::BackupsView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The backups of a service.
///
/// All of them, newest first, with their schedule, what goes on now, and the restoration that ended last.
#[utoipa::path(
    get,
    path = "/services/{id}/backups",
    tag = "backups",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 200, description = "Everything about them.", body = BackupsView))
)]
pub async fn list_backups(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Json<BackupsView>, ApiError> {
    Ok(Json(usecases.backups(&actor, id).await?))
}
