//! `GET /api/v1/services/{id}/versions`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path, Query},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{CodeVersionView, Page, PageQuery},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The code versions of a service.
#[utoipa::path(
    get,
    path = "/services/{id}/versions",
    tag = "versions",
    params(("id" = ServiceId, Path, description = "Service"), ("after" = Option<String>, Query, description = "Where the last page ended: its `next`"), ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")),
    responses((status = 200, description = "A part of the list, newest first.", body = Page<CodeVersionView>))
)]
pub async fn list_versions(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<CodeVersionView>>, ApiError> {
    Ok(Json(usecases.versions(&actor, id, &page).await?))
}
