//! `DELETE /api/v1/me/sessions/{id}`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::SessionId;
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Log one browser out.
#[utoipa::path(
    delete,
    path = "/me/sessions/{id}",
    tag = "me",
    params(("id" = SessionId, Path, description = "Session")),
    responses((status = 204, description = "Ended."))
)]
pub async fn revoke_session(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    usecases.revoke_session(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
