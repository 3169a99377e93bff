//! `GET /api/v1/volumes/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{VolumeId, views::VolumeView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Read a volume.
///
/// Also one in the trash: `removed_at` says until when it can be restored.
#[utoipa::path(
    get,
    path = "/volumes/{id}",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume")),
    responses((status = 200, body = VolumeView))
)]
pub async fn read_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
) -> Result<Json<VolumeView>, ApiError> {
    Ok(Json(usecases.volume(&actor, id).await?))
}
