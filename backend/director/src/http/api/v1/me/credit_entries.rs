//! `GET /api/v1/me/credits/entries`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Query},
    problem::ApiError,
};
use aerie_domain::views::{LedgerEntryView, Page, PageQuery};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Every movement of your credit, newest first.
#[utoipa::path(
    get,
    path = "/me/credits/entries",
    tag = "me",
    params(("after" = Option<String>, Query, description = "Where the last page ended: its `next`"), ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")),
    responses((status = 200, description = "A part of the list.", body = Page<LedgerEntryView>))
)]
pub async fn list_credit_entries(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LedgerEntryView>>, ApiError> {
    Ok(Json(usecases.credit_entries(&actor, &page).await?))
}
