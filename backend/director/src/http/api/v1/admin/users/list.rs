//! `GET /api/v1/admin/users`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Query},
    problem::ApiError,
};
use aerie_domain::views::{AdminUserView, Page, SearchQuery};
use aerie_usecases::UseCases;
use axum::extract::State;

/// People, by user name: all, or those whose name, e-mail address or affiliation contains a text.
#[utoipa::path(
    get,
    path = "/admin/users",
    tag = "admin",
    params(("text" = Option<String>, Query, description = "A part of a name"), ("after" = Option<String>, Query, description = "Where the last page ended: its `next`"), ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")),
    responses((status = 200, description = "A part of the list.", body = Page<AdminUserView>))
)]
pub async fn list_users(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<AdminUserView>>, ApiError> {
    Ok(Json(usecases.admin_users(&actor, &query).await?))
}
