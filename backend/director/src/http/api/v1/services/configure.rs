//! `PUT /api/v1/services/{id}/settings`.

use crate::http::{
    api::answers::Accepted202,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{Accepted, ChangeSettings},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Change settings and environment variables.
///
/// What is not named keeps its value.
#[utoipa::path(
    put,
    path = "/services/{id}/settings",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body = ChangeSettings,
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn configure_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Json(form): Json<ChangeSettings>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.configure_service(&actor, id, form).await?))
}
