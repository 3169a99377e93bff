//! `POST /api/v1/admin/users/{id}/grants`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    UserId,
    views::{AdminUserView, Grant},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Grant credit, or take it back.
///
/// Warnings begin anew: they are shares of what there is right after the grant.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/grants",
    tag = "admin",
    params(("id" = UserId, Path, description = "Person")),
    request_body = Grant,
    responses((status = 200, description = "The person, with the new balance.", body = AdminUserView))
)]
pub async fn grant_credit(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<UserId>,
    Json(form): Json<Grant>,
) -> Result<Json<AdminUserView>, ApiError> {
    Ok(Json(usecases.grant(&actor, id, form).await?))
}
