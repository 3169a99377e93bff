//! `PATCH /api/v1/services/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{Rename, ServiceView},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Rename a service.
#[utoipa::path(
    patch,
    path = "/services/{id}",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body = Rename,
    responses((status = 200, description = "The service.", body = ServiceView))
)]
pub async fn rename_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Json(form): Json<Rename>,
) -> Result<Json<ServiceView>, ApiError> {
    Ok(Json(usecases.rename_service(&actor, id, form).await?))
}
