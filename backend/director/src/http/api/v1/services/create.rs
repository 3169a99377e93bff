//! `POST /api/v1/applications/{id}/services`.

use crate::http::{
    api::answers::Created,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ApplicationId,
    views::{CreateService, ServiceView},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Add a service to an application.
///
/// It is not started yet.
#[utoipa::path(
    post,
    path = "/applications/{id}/services",
    tag = "services",
    params(("id" = ApplicationId, Path, description = "Application")),
    request_body = CreateService,
    responses((status = 201, description = "The new service.", body = ServiceView))
)]
pub async fn create_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
    Json(form): Json<CreateService>,
) -> Result<Created<ServiceView>, ApiError> {
    let service = usecases.create_service(&actor, id, form).await?;
    Ok(Created { location: format!("/api/v1/services/{}", service.summary.id), body: service })
}
