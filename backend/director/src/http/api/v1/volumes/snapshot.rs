//! `POST /api/v1/volumes/{id}/snapshot`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    VolumeId,
    views::{SnapshotVolume, VolumeView},
};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Make a copy of a volume.
///
/// The copy is `copying` at first and `ready` a little later. What is written meanwhile may be on it half: stop the writers first if
/// that matters.
#[utoipa::path(
    post,
    path = "/volumes/{id}/snapshot",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume")),
    request_body = SnapshotVolume,
    responses((status = 201, body = VolumeView))
)]
pub async fn snapshot_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
    Json(form): Json<SnapshotVolume>,
) -> Result<(StatusCode, Json<VolumeView>), ApiError> {
    Ok((StatusCode::CREATED, Json(usecases.snapshot_volume(&actor, id, form).await?)))
}
