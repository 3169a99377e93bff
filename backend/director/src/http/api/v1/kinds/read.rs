//! `GET /api/v1/kinds/{name}`.

use crate::http::{
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::views::KindView;
use aerie_usecases::UseCases;
use axum::extract::State;

/// One service kind with its roles and settings.
///
/// Nobody needs to be signed in.
#[utoipa::path(
    get,
    path = "/kinds/{name}",
    tag = "kinds",
    params(("name" = String, Path, description = "Kind")),
    security(()),
    responses((status = 200, description = "The kind.", body = KindView))
)]
pub async fn read_kind(State(usecases): State<UseCases>, Path(name): Path<String>) -> Result<Json<KindView>, ApiError> {
    Ok(Json(usecases.kind_offered(&name)?))
}
