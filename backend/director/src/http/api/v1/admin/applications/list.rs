//! `GET /api/v1/admin/applications`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Query},
    problem::ApiError,
};
use aerie_domain::views::{ApplicationView, Page, SearchQuery};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Everybody's applications, oldest first: all, or those whose name or owner contains a text.
#[utoipa::path(
    get,
    path = "/admin/applications",
    tag = "admin",
    params(("text" = Option<String>, Query, description = "A part of a name"), ("after" = Option<String>, Query, description = "Where the last page ended: its `next`"), ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")),
    responses((status = 200, description = "A part of the list.", body = Page<ApplicationView>))
)]
pub async fn list_all_applications(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<ApplicationView>>, ApiError> {
    Ok(Json(usecases.admin_applications(&actor, None, &query).await?))
}
