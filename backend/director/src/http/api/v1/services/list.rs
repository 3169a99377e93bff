//! `GET /api/v1/applications/{id}/services`.

use crate::http::api::answers::items;
use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ApplicationId,
    views::{Page, ServiceSummary},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The services of an application.
#[utoipa::path(
    get,
    path = "/applications/{id}/services",
    tag = "services",
    params(("id" = ApplicationId, Path, description = "Application")),
    responses((status = 200, description = "Services, oldest first.", body = Page<ServiceSummary>))
)]
pub async fn list_services(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
) -> Result<Json<Page<ServiceSummary>>, ApiError> {
    Ok(items(usecases.services(&actor, id).await?))
}
