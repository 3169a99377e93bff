//! `GET /api/v1/services/{id}/versions/{version}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{CodeVersionId, ServiceId, views::CodeVersionView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// One code version.
#[utoipa::path(
    get,
    path = "/services/{id}/versions/{version}",
    tag = "versions",
    params(("id" = ServiceId, Path, description = "Service"), ("version" = CodeVersionId, Path, description = "Code version")),
    responses((status = 200, description = "The version.", body = CodeVersionView))
)]
pub async fn read_version(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, version)): Path<(ServiceId, CodeVersionId)>,
) -> Result<Json<CodeVersionView>, ApiError> {
    Ok(Json(usecases.version(&actor, id, version).await?))
}
