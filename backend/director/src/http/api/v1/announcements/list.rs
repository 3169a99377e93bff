//! `GET /api/v1/announcements`.

use crate::http::api::answers::items;
use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::{AnnouncementView, Page};
use aerie_usecases::UseCases;
use axum::extract::State;

/// What is announced now: the banners on every page.
#[utoipa::path(
    get,
    path = "/announcements",
    tag = "announcements",
    responses((status = 200, description = "All of them.", body = Page<AnnouncementView>))
)]
pub async fn list_announcements(
    State(usecases): State<UseCases>,
    SignedIn(_actor): SignedIn,
) -> Result<Json<Page<AnnouncementView>>, ApiError> {
    Ok(items(usecases.announcements().await?))
}
