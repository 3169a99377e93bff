//! `POST /api/v1/applications/{id}/restart`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ApplicationId, views::AcceptedAll};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Restart all services of an application that run.
///
/// Those that are used by others come first.
#[utoipa::path(
    post,
    path = "/applications/{id}/restart",
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "Application")),
    responses((status = 202, description = "Accepted; follow the operations.", body = AcceptedAll))
)]
pub async fn restart_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
) -> Result<(StatusCode, Json<AcceptedAll>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(usecases.restart_application(&actor, id).await?)))
}
