//! `POST /api/v1/volumes/{id}/restore`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    VolumeId,
    views::{RestoreVolume, VolumeView},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Take a volume out of the trash.
///
/// Into the application it was in or, if that is gone, into the one that the form names.
#[utoipa::path(
    post,
    path = "/volumes/{id}/restore",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume")),
    request_body = RestoreVolume,
    responses((status = 200, body = VolumeView))
)]
pub async fn restore_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
    Json(form): Json<RestoreVolume>,
) -> Result<Json<VolumeView>, ApiError> {
    Ok(Json(usecases.restore_volume(&actor, id, form).await?))
}
