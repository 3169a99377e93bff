//! `DELETE /api/v1/me/sessions`.

use crate::http::{auth::SignedIn, problem::ApiError};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Log out everywhere else.
///
/// Ends every session but the one that asks.
#[utoipa::path(
    delete,
    path = "/me/sessions",
    tag = "me",
    responses((status = 204, description = "Ended."))
)]
pub async fn revoke_other_sessions(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
) -> Result<StatusCode, ApiError> {
    usecases.revoke_other_sessions(&actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
