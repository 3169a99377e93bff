//! `POST /api/v1/load-runs/{id}/cancel`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{LoadRunId, views::LoadRunView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Stop a run of the load generator, within about a second. One that has ended stays as it is.
#[utoipa::path(
    post,
    path = "/load-runs/{id}/cancel",
    tag = "load",
    params(("id" = LoadRunId, Path, description = "Run")),
    responses((status = 200, description = "The run.", body = LoadRunView))
)]
pub async fn cancel_load_run(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<LoadRunId>,
) -> Result<Json<LoadRunView>, ApiError> {
    Ok(Json(usecases.cancel_load_run(&actor, id).await?))
}
