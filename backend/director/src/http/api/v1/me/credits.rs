//! `GET /api/v1/me/credits`.

use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::CreditsView;
use aerie_usecases::UseCases;
use axum::extract::State;

/// Your credit, and where it went in the last 14 days.
///
/// Running instances are booked every minute, so the balance is at most a minute behind.
#[utoipa::path(
    get,
    path = "/me/credits",
    tag = "me",
    responses((status = 200, description = "Your credit.", body = CreditsView))
)]
pub async fn read_credits(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
) -> Result<Json<CreditsView>, ApiError> {
    Ok(Json(usecases.credits(&actor).await?))
}
