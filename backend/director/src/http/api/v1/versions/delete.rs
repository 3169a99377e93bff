//! `DELETE /api/v1/services/{id}/versions/{version}`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{CodeVersionId, ServiceId};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Remove a code version.
///
/// Not the one that is active or served.
#[utoipa::path(
    delete,
    path = "/services/{id}/versions/{version}",
    tag = "versions",
    params(("id" = ServiceId, Path, description = "Service"), ("version" = CodeVersionId, Path, description = "Code version")),
    responses((status = 204, description = "Removed."))
)]
pub async fn delete_version(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, version)): Path<(ServiceId, CodeVersionId)>,
) -> Result<StatusCode, ApiError> {
    usecases.delete_version(&actor, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
