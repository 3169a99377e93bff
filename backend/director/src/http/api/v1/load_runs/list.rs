//! `GET /api/v1/services/{id}/load-runs`.

use crate::http::{
    api::answers::items,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{LoadRunView, Page},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The newest runs of the load generator against a service.
#[utoipa::path(
    get,
    path = "/services/{id}/load-runs",
    tag = "load",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 200, description = "Runs, newest first, ten at most.", body = Page<LoadRunView>))
)]
pub async fn list_load_runs(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Json<Page<LoadRunView>>, ApiError> {
    Ok(items(usecases.load_runs(&actor, id).await?))
}
