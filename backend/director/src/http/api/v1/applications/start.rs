//! `POST /api/v1/applications/{id}/start`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ApplicationId, views::AcceptedAll};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Start all services of an application.
///
/// Those that others use come first. Services that run already are left alone.
#[utoipa::path(
    post,
    path = "/applications/{id}/start",
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "Application")),
    responses((status = 202, description = "Accepted; follow the operations.", body = AcceptedAll))
)]
pub async fn start_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
) -> Result<(StatusCode, Json<AcceptedAll>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(usecases.start_application(&actor, id).await?)))
}
