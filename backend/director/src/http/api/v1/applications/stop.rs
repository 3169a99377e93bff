//! `POST /api/v1/applications/{id}/stop`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ApplicationId, views::AcceptedAll};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Stop all services of an application.
///
/// Those that use others go first. Data, code and settings are kept.
#[utoipa::path(
    post,
    path = "/applications/{id}/stop",
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "Application")),
    responses((status = 202, description = "Accepted; follow the operations.", body = AcceptedAll))
)]
pub async fn stop_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
) -> Result<(StatusCode, Json<AcceptedAll>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(usecases.stop_application(&actor, id).await?)))
}
