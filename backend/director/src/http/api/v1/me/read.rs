//! `GET /api/v1/me`.

use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::Me;
use aerie_usecases::UseCases;
use axum::extract::State;

/// Who is signed in, with credit.
#[utoipa::path(
    get,
    path = "/me",
    tag = "me",
    responses((status = 200, description = "You.", body = Me))
)]
pub async fn read_me(State(usecases): State<UseCases>, SignedIn(actor): SignedIn) -> Result<Json<Me>, ApiError> {
    Ok(Json(usecases.me(&actor).await?))
}
