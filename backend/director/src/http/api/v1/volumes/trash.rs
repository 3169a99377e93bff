//! `GET /api/v1/me/trash`.

use crate::http::{auth::SignedIn, extract::Json, problem::ApiError};
use aerie_domain::views::VolumeView;
use aerie_usecases::UseCases;
use axum::extract::State;

/// List what is in your trash.
///
/// Volumes, newest first; each is removed with all that is on it at its `removed_at`.
#[utoipa::path(get, path = "/me/trash", tag = "volumes", responses((status = 200, body = Vec<VolumeView>)))]
pub async fn list_trash(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
) -> Result<Json<Vec<VolumeView>>, ApiError> {
    Ok(Json(usecases.trash(&actor).await?))
}
