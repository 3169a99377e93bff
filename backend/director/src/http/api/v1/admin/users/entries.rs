//! `GET /api/v1/admin/users/{id}/entries`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path, Query},
    problem::ApiError,
};
use aerie_domain::{
    UserId,
    views::{LedgerEntryView, Page, PageQuery},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Every movement of a person's credit, newest first.
#[utoipa::path(
    get,
    path = "/admin/users/{id}/entries",
    tag = "admin",
    params(
        ("id" = UserId, Path, description = "Person"),
        ("after" = Option<String>, Query, description = "Where the last page ended: its `next`"),
        ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")
    ),
    responses((status = 200, description = "A part of the list.", body = Page<LedgerEntryView>))
)]
pub async fn list_user_entries(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<UserId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LedgerEntryView>>, ApiError> {
    Ok(Json(usecases.admin_user_entries(&actor, id, &page).await?))
}
