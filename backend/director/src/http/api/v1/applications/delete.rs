//! `DELETE /api/v1/applications/{id}`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::ApplicationId;
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Remove an application with everything in it.
///
/// It is listed as `deleting` until its instances are gone.
#[utoipa::path(
    delete,
    path = "/applications/{id}",
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "Application")),
    responses((status = 204, description = "It is being removed."))
)]
pub async fn delete_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
) -> Result<StatusCode, ApiError> {
    usecases.delete_application(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
