//! `GET /api/v1/services/{id}/actions/runs`.

use crate::http::{
    api::answers::items,
    auth::SignedIn,
    extract::{Json, Path, Query},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{ActionRunView, Page, RunsQuery},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// What was run on a service, and what became of it.
///
/// Newest first, at most fifty; for older ones say `before` which. About a hundred are kept.
#[utoipa::path(
    get,
    path = "/services/{id}/actions/runs",
    tag = "actions",
    params(("id" = ServiceId, Path, description = "Service"), RunsQuery),
    responses((status = 200, description = "Runs, newest first.", body = Page<ActionRunView>))
)]
pub async fn list_action_runs(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Query(query): Query<RunsQuery>,
) -> Result<Json<Page<ActionRunView>>, ApiError> {
    Ok(items(usecases.action_runs(&actor, id, &query).await?))
}
