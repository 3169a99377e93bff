//! `PUT /api/v1/services/{id}/volumes/{volume}`.

use crate::http::{
    api::answers::Accepted202,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId, VolumeId,
    views::{Accepted, AttachVolume},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Give a volume to a service.
///
/// All its instances see it at the same path, and may write at the same time. They are replaced one after the other. Repeat it to change path
/// or read-only.
#[utoipa::path(
    put,
    path = "/services/{id}/volumes/{volume}",
    tag = "volumes",
    params(
        ("id" = ServiceId, Path, description = "The service"),
        ("volume" = VolumeId, Path, description = "A volume of its application")
    ),
    request_body = AttachVolume,
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn attach_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, volume)): Path<(ServiceId, VolumeId)>,
    Json(form): Json<AttachVolume>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.attach_volume(&actor, id, volume, form).await?))
}
