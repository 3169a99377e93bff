//! `GET /api/v1/load-runs/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{LoadRunId, views::LoadRunView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// How far a run of the load generator is, and what it has counted; new once a second.
#[utoipa::path(
    get,
    path = "/load-runs/{id}",
    tag = "load",
    params(("id" = LoadRunId, Path, description = "Run")),
    responses((status = 200, description = "The run.", body = LoadRunView))
)]
pub async fn read_load_run(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<LoadRunId>,
) -> Result<Json<LoadRunView>, ApiError> {
    Ok(Json(usecases.load_run(&actor, id).await?))
}
