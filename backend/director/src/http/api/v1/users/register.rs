//! `POST /api/v1/users`.

use crate::http::{auth::Client, extract::Json, problem::ApiError};
use aerie_domain::views::{Register, UserView};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Make an account.
///
/// Nobody needs to be signed in. The new account gets the initial credit.
#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    security(()),
    request_body = Register,
    responses((status = 201, description = "The new account.", body = UserView))
)]
pub async fn register(
    State(usecases): State<UseCases>,
    Client(client): Client,
    Json(form): Json<Register>,
) -> Result<(StatusCode, Json<UserView>), ApiError> {
    Ok((StatusCode::CREATED, Json(usecases.register(form, &client).await?)))
}
