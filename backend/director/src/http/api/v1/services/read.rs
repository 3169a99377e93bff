//! `GET /api/v1/services/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::ServiceView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// One service with everything its page shows.
#[utoipa::path(
    get,
    path = "/services/{id}",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 200, description = "The service.", body = ServiceView))
)]
pub async fn read_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Json<ServiceView>, ApiError> {
    Ok(Json(usecases.service(&actor, id).await?))
}
