//! `POST /api/v1/login`.

use crate::http::{auth::Client, extract::Json, problem::ApiError};
use aerie_domain::views::{CreatedToken, LogIn};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Log in with a password.
///
/// Answers with a token for twelve hours. Send it as `Authorization: Bearer <secret>`; revoke it to log out.
#[utoipa::path(
    post,
    path = "/login",
    tag = "users",
    security(()),
    request_body = LogIn,
    responses((status = 201, description = "A token; its secret is shown only here.", body = CreatedToken))
)]
pub async fn log_in(
    State(usecases): State<UseCases>,
    Client(client): Client,
    Json(form): Json<LogIn>,
) -> Result<(StatusCode, Json<CreatedToken>), ApiError> {
    Ok((StatusCode::CREATED, Json(usecases.log_in_for_token(form, &client).await?)))
}
