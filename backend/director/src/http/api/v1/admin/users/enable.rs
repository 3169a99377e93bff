//! `POST /api/v1/admin/users/{id}/enable`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{UserId, views::AdminUserView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Let a person in again.
///
/// Sessions and tokens that were ended stay ended.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/enable",
    tag = "admin",
    params(("id" = UserId, Path, description = "Person")),
    responses((status = 200, description = "The person.", body = AdminUserView))
)]
pub async fn enable_user(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<UserId>,
) -> Result<Json<AdminUserView>, ApiError> {
    Ok(Json(usecases.enable_user(&actor, id).await?))
}
