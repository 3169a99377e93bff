//! `GET /api/v1/services/{id}/access`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::AccessView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// What it takes to use a service: addresses, names and passwords.
///
/// Not for tokens that may only read.
#[utoipa::path(
    get,
    path = "/services/{id}/access",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 200, description = "Everything a client needs.", body = AccessView))
)]
pub async fn read_access(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Json<AccessView>, ApiError> {
    Ok(Json(usecases.access(&actor, id).await?))
}
