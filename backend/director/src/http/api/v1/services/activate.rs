//! `POST /api/v1/services/{id}/activate`.

use crate::http::{
    api::answers::Accepted202,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{Accepted, ActivateVersion},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Serve another code version.
///
/// Staged on every instance first, then switched at once: no request mixes versions.
#[utoipa::path(
    post,
    path = "/services/{id}/activate",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body = ActivateVersion,
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn activate_version(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Json(form): Json<ActivateVersion>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.activate_version(&actor, id, form.version_id).await?))
}
