//! `POST /api/v1/me/tokens`.

use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::{CreateToken, CreatedToken};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Make an API token.
///
/// The answer is the only place where its secret is shown. Not possible with a token.
#[utoipa::path(
    post,
    path = "/me/tokens",
    tag = "me",
    request_body = CreateToken,
    responses((status = 201, description = "The token with its secret.", body = CreatedToken))
)]
pub async fn create_token(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Json(form): Json<CreateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), ApiError> {
    Ok((StatusCode::CREATED, Json(usecases.create_token(&actor, form).await?)))
}
