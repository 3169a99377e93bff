//! `GET /api/v1/applications/{id}/volumes`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ApplicationId, views::VolumeView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// List the volumes of an application.
///
/// By name, without those in the trash.
#[utoipa::path(
    get,
    path = "/applications/{id}/volumes",
    tag = "volumes",
    params(("id" = ApplicationId, Path, description = "Application")),
    responses((status = 200, body = Vec<VolumeView>))
)]
pub async fn list_volumes(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
) -> Result<Json<Vec<VolumeView>>, ApiError> {
    Ok(Json(usecases.volumes(&actor, id).await?))
}
