//! `GET /api/v1/applications/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ApplicationId, views::ApplicationView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// One application with its services.
#[utoipa::path(
    get,
    path = "/applications/{id}",
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "Application")),
    responses((status = 200, description = "The application.", body = ApplicationView))
)]
pub async fn read_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
) -> Result<Json<ApplicationView>, ApiError> {
    Ok(Json(usecases.application(&actor, id).await?))
}
