//! `DELETE /api/v1/volumes/{id}`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::VolumeId;
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Move a volume to the trash.
///
/// It can be restored for seven days. Refused while services have it.
#[utoipa::path(
    delete,
    path = "/volumes/{id}",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume")),
    responses((status = 204, description = "It is in the trash."))
)]
pub async fn delete_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
) -> Result<StatusCode, ApiError> {
    usecases.delete_volume(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
