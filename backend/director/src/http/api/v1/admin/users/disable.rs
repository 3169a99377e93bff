//! `POST /api/v1/admin/users/{id}/disable`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{UserId, views::AdminUserView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Lock a person out.
///
/// Ends their sessions and tokens at once. Their services go on running, and costing, until they are stopped.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/disable",
    tag = "admin",
    params(("id" = UserId, Path, description = "Person")),
    responses((status = 200, description = "The person.", body = AdminUserView))
)]
pub async fn disable_user(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<UserId>,
) -> Result<Json<AdminUserView>, ApiError> {
    Ok(Json(usecases.disable_user(&actor, id).await?))
}
