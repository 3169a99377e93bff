//! `PATCH /api/v1/applications/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ApplicationId,
    views::{ApplicationView, Rename},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Rename an application.
///
/// Its public addresses change with it.
#[utoipa::path(
    patch,
    path = "/applications/{id}",
    tag = "applications",
    params(("id" = ApplicationId, Path, description = "Application")),
    request_body = Rename,
    responses((status = 200, description = "The application.", body = ApplicationView))
)]
pub async fn rename_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
    Json(form): Json<Rename>,
) -> Result<Json<ApplicationView>, ApiError> {
    Ok(Json(usecases.rename_application(&actor, id, form).await?))
}
