//! `GET /api/v1/applications`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Query},
    problem::ApiError,
};
use aerie_domain::views::{ApplicationView, Page, PageQuery};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Your applications with their services.
#[utoipa::path(
    get,
    path = "/applications",
    tag = "applications",
    params(("after" = Option<String>, Query, description = "Where the last page ended: its `next`"), ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")),
    responses((status = 200, description = "A part of the list.", body = Page<ApplicationView>))
)]
pub async fn list_applications(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ApplicationView>>, ApiError> {
    Ok(Json(usecases.applications(&actor, &page).await?))
}
