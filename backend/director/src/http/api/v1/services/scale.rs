//! `PUT /api/v1/services/{id}/scale`.

use crate::http::{
    api::answers::Accepted202,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{Accepted, Scale},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Change how many instances roles have.
///
/// Roles that are not named keep their count. No request fails meanwhile.
#[utoipa::path(
    put,
    path = "/services/{id}/scale",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body = Scale,
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn scale_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Json(form): Json<Scale>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.scale_service(&actor, id, form).await?))
}
