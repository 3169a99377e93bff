//! `GET /api/v1/services/{id}/versions/{version}/file`.

use crate::http::{api::answers, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{CodeVersionId, ServiceId};
use aerie_usecases::UseCases;
use axum::{extract::State, response::Response};

/// The file of a code version, as it was uploaded.
#[utoipa::path(
    get,
    path = "/services/{id}/versions/{version}/file",
    tag = "versions",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("version" = CodeVersionId, Path, description = "Code version")
    ),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream"))
)]
pub async fn download_version(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, version)): Path<(ServiceId, CodeVersionId)>,
) -> Result<Response, ApiError> {
    let (path, name) = usecases.version_file(&actor, id, version).await?;
    answers::download(&path, &name).await
}
