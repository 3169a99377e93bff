//! `GET /api/v1/admin/announcements`.

use crate::http::api::answers::items;
use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::{AnnouncementView, Page};
use aerie_usecases::UseCases;
use axum::extract::State;

/// What is announced now, and what is going to be.
#[utoipa::path(
    get,
    path = "/admin/announcements",
    tag = "admin",
    responses((status = 200, description = "All of them.", body = Page<AnnouncementView>))
)]
pub async fn list_all_announcements(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Page<AnnouncementView>>, ApiError> {
    Ok(items(usecases.admin_announcements(&actor).await?))
}
