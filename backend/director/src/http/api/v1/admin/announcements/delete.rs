//! `DELETE /api/v1/admin/announcements/{id}`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::AnnouncementId;
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Take an announcement back.
#[utoipa::path(
    delete,
    path = "/admin/announcements/{id}",
    tag = "admin",
    params(("id" = AnnouncementId, Path, description = "Announcement")),
    responses((status = 204, description = "Gone from every page."))
)]
pub async fn delete_announcement(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<AnnouncementId>,
) -> Result<StatusCode, ApiError> {
    usecases.withdraw_announcement(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
