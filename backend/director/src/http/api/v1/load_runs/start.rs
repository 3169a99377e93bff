//! `POST /api/v1/services/{id}/load-runs`.

use crate::http::{
    api::answers::Created,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{LoadRunView, StartLoadRun},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Send requests to a service.
///
/// At its public address, at an even pace, however slow the answers are. One run per user at a time; follow it at
/// `Location`.
#[utoipa::path(
    post,
    path = "/services/{id}/load-runs",
    tag = "load",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body = StartLoadRun,
    responses((status = 201, description = "Requests are being sent.", body = LoadRunView))
)]
pub async fn start_load_run(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Json(form): Json<StartLoadRun>,
) -> Result<Created<LoadRunView>, ApiError> {
    let body = usecases.start_load_run(&actor, id, form).await?;
    Ok(Created { location: format!("/api/v1/load-runs/{}", body.id), body })
}
