//! `DELETE /api/v1/me/tokens/{id}`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::TokenId;
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Make a token useless at once.
///
/// A token may revoke itself.
#[utoipa::path(
    delete,
    path = "/me/tokens/{id}",
    tag = "me",
    params(("id" = TokenId, Path, description = "Token")),
    responses((status = 204, description = "Revoked."))
)]
pub async fn revoke_token(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, ApiError> {
    usecases.revoke_token(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
