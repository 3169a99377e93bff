//! `POST /api/v1/applications`.

use crate::http::{api::answers::Created, auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::{ApplicationView, CreateApplication};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Make an application.
#[utoipa::path(
    post,
    path = "/applications",
    tag = "applications",
    request_body = CreateApplication,
    responses((status = 201, description = "The new application.", body = ApplicationView))
)]
pub async fn create_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Json(form): Json<CreateApplication>,
) -> Result<Created<ApplicationView>, ApiError> {
    let application = usecases.create_application(&actor, form).await?;
    Ok(Created { location: format!("/api/v1/applications/{}", application.id), body: application })
}
