//! `GET /api/v1/me/tokens`.

use crate::http::api::answers::items;
use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::{Page, TokenView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Your API tokens, without their secrets.
#[utoipa::path(
    get,
    path = "/me/tokens",
    tag = "me",
    responses((status = 200, description = "Tokens, newest first.", body = Page<TokenView>))
)]
pub async fn list_tokens(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Page<TokenView>>, ApiError> {
    Ok(items(usecases.tokens(&actor).await?))
}
