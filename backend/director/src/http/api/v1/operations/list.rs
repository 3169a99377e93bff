//! `GET /api/v1/services/{id}/operations`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path, Query},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{OperationView, Page, PageQuery},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// What was asked of a service, newest first.
#[utoipa::path(
    get,
    path = "/services/{id}/operations",
    tag = "operations",
    params(("id" = ServiceId, Path, description = "Service"), ("after" = Option<String>, Query, description = "Where the last page ended: its `next`"), ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")),
    responses((status = 200, description = "A part of the list.", body = Page<OperationView>))
)]
pub async fn list_operations(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<OperationView>>, ApiError> {
    Ok(Json(usecases.operations(&actor, id, &page).await?))
}
