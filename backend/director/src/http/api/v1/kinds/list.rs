//! `GET /api/v1/kinds`.

use crate::http::api::answers::items;
use crate::http::{extract::Json, problem::ApiError};
use aerie_domain::views::{KindView, Page};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The service kinds to choose from.
///
/// Nobody needs to be signed in.
#[utoipa::path(
    get,
    path = "/kinds",
    tag = "kinds",
    security(()),
    responses((status = 200, description = "Kinds, by name.", body = Page<KindView>))
)]
pub async fn list_kinds(State(usecases): State<UseCases>) -> Result<Json<Page<KindView>>, ApiError> {
    Ok(items(usecases.kinds_offered()))
}
