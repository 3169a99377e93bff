//! `GET /api/v1/admin/users/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{UserId, views::AdminUserView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// One person.
#[utoipa::path(
    get,
    path = "/admin/users/{id}",
    tag = "admin",
    params(("id" = UserId, Path, description = "Person")),
    responses((status = 200, description = "The person.", body = AdminUserView))
)]
pub async fn read_user(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<UserId>,
) -> Result<Json<AdminUserView>, ApiError> {
    Ok(Json(usecases.admin_user(&actor, id).await?))
}
