//! `PATCH /api/v1/volumes/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    VolumeId,
    views::{ChangeVolume, VolumeView},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Change a volume's name, note or limit for the warning.
///
/// Services that have it go on seeing it at the same path.
#[utoipa::path(
    patch,
    path = "/volumes/{id}",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume")),
    request_body = ChangeVolume,
    responses((status = 200, body = VolumeView))
)]
pub async fn change_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
    Json(form): Json<ChangeVolume>,
) -> Result<Json<VolumeView>, ApiError> {
    Ok(Json(usecases.change_volume(&actor, id, form).await?))
}
