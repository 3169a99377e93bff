//! `GET /api/v1/me/sessions`.

use crate::http::api::answers::items;
use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::{Page, SessionView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The browsers in which you are signed in.
#[utoipa::path(
    get,
    path = "/me/sessions",
    tag = "me",
    responses((status = 200, description = "Sessions, newest first.", body = Page<SessionView>))
)]
pub async fn list_sessions(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Page<SessionView>>, ApiError> {
    Ok(items(usecases.sessions(&actor).await?))
}
