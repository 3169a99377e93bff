//! `PUT /api/v1/me/password`.

use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::ChangePassword;
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Set a new password.
///
/// Ends all other sessions. Not possible with a token.
#[utoipa::path(
    put,
    path = "/me/password",
    tag = "me",
    request_body = ChangePassword,
    responses((status = 204, description = "Changed."))
)]
pub async fn change_password(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Json(form): Json<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    usecases.change_password(&actor, form).await?;
    Ok(StatusCode::NO_CONTENT)
}
