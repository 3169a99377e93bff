//! `GET`, `DELETE /api/v1/volumes/{id}/files`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path, Query},
    problem::ApiError,
};
use aerie_domain::{
    VolumeId,
    views::{VolumeFolderView, VolumePathQuery},
};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// List a folder of a volume.
///
/// Folders first, then by name, at most 1000 entries. What programs write meanwhile is there or not.
#[utoipa::path(
    get,
    path = "/volumes/{id}/files",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume"), VolumePathQuery),
    responses((status = 200, body = VolumeFolderView))
)]
pub async fn list_files(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
    Query(at): Query<VolumePathQuery>,
) -> Result<Json<VolumeFolderView>, ApiError> {
    Ok(Json(usecases.volume_folder(&actor, id, &at.path).await?))
}

/// Remove a file or a folder of a volume.
///
/// A folder goes with all that is in it; of a link, the link. There is no trash for files.
#[utoipa::path(
    delete,
    path = "/volumes/{id}/files",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume"), VolumePathQuery),
    responses((status = 204, description = "It is gone."))
)]
pub async fn delete_file(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
    Query(at): Query<VolumePathQuery>,
) -> Result<StatusCode, ApiError> {
    usecases.delete_volume_file(&actor, id, &at.path).await?;
    Ok(StatusCode::NO_CONTENT)
}
