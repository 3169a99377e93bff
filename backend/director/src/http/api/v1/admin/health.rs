//! `GET /api/v1/admin/health`.

use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::HealthView;
use aerie_usecases::UseCases;
use axum::extract::State;

/// How directors, managers and clouds are.
#[utoipa::path(
    get,
    path = "/admin/health",
    tag = "admin",
    responses((status = 200, description = "What is known.", body = HealthView))
)]
pub async fn read_health(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
) -> Result<Json<HealthView>, ApiError> {
    Ok(Json(usecases.health(&actor).await?))
}
