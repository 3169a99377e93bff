//! `GET /api/v1/services/{id}/actions`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::ActionsView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The actions of a service.
///
/// What can be pressed, with its form; per instance and action what became of it last (no light: it was never started
/// there); and the newest runs.
#[utoipa::path(
    get,
    path = "/services/{id}/actions",
    tag = "actions",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 200, description = "Everything about them.", body = ActionsView))
)]
pub async fn list_actions(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Json<ActionsView>, ApiError> {
    Ok(Json(usecases.actions(&actor, id).await?))
}
