//! `POST /api/v1/admin/announcements`.

use crate::http::{api::answers::Created, auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::{AnnouncementView, CreateAnnouncement};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Announce something on every page for a while.
#[utoipa::path(
    post,
    path = "/admin/announcements",
    tag = "admin",
    request_body = CreateAnnouncement,
    responses((status = 201, description = "The announcement.", body = AnnouncementView))
)]
pub async fn create_announcement(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Json(form): Json<CreateAnnouncement>,
) -> Result<Created<AnnouncementView>, ApiError> {
    let announcement = usecases.announce(&actor, form).await?;
    Ok(Created { location: format!("/api/v1/admin/announcements/{}", announcement.id), body: announcement })
}
