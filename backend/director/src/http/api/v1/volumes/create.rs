//! `POST /api/v1/applications/{id}/volumes`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ApplicationId,
    views::{CreateVolume, VolumeView},
};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Make an empty volume.
#[utoipa::path(
    post,
    path = "/applications/{id}/volumes",
    tag = "volumes",
    params(("id" = ApplicationId, Path, description = "Application")),
    request_body = CreateVolume,
    responses((status = 201, body = VolumeView))
)]
pub async fn create_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
    Json(form): Json<CreateVolume>,
) -> Result<(StatusCode, Json<VolumeView>), ApiError> {
    Ok((StatusCode::CREATED, Json(usecases.create_volume(&actor, id, form).await?)))
}
