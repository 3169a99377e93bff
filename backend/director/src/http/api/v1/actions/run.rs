//! `POST /api/v1/services/{id}/actions/{name}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{ActionRunView, RunAction},
};
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};

/// Run an action on instances of a service.
///
/// It is started once on each of them, and never a second time: what is lost with an instance stays lost. Its output is in
/// the log of the instance, under the action's name; how it ended is in the service's actions.
#[utoipa::path(
    post,
    path = "/services/{id}/actions/{name}",
    tag = "actions",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("name" = String, Path, description = "Action, such as `run`")
    ),
    request_body = RunAction,
    responses((status = 202, description = "Asked for.", body = ActionRunView))
)]
pub async fn run_action(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, name)): Path<(ServiceId, String)>,
    Json(form): Json<RunAction>,
) -> Result<(StatusCode, Json<ActionRunView>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(usecases.run_action(&actor, id, &name, form).await?)))
}
