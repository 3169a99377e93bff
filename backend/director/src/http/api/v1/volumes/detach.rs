//! `DELETE /api/v1/services/{id}/volumes/{volume}`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, VolumeId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Take a volume away from a service.
///
/// What is on it stays. The service's instances are replaced one after the other.
#[utoipa::path(
    delete,
    path = "/services/{id}/volumes/{volume}",
    tag = "volumes",
    params(
        ("id" = ServiceId, Path, description = "The service"),
        ("volume" = VolumeId, Path, description = "A volume that it has")
    ),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn detach_volume(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, volume)): Path<(ServiceId, VolumeId)>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.detach_volume(&actor, id, volume).await?))
}
