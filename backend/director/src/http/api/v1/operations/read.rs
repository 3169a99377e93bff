//! `GET /api/v1/operations/{id}`.

use crate::{
    http::{
        auth::SignedIn,
        extract::{Json, Path, Wait},
        problem::ApiError,
    },
    lifecycle::Lifecycle,
};
use aerie_domain::{OperationId, views::OperationView};
use aerie_usecases::UseCases;
use axum::extract::State;

/// One operation: how far it is.
///
/// With `wait`, the answer comes when the operation has ended or the time is up, whatever comes first.
#[utoipa::path(
    get,
    path = "/operations/{id}",
    tag = "operations",
    params(
        ("id" = OperationId, Path, description = "Operation"),
        ("wait" = Option<String>, Query, description = "At most so long, such as `30s`; 60 s at most", example = "30s")
    ),
    responses((status = 200, description = "The operation.", body = OperationView))
)]
pub async fn read_operation(
    State(usecases): State<UseCases>,
    State(lifecycle): State<Lifecycle>,
    SignedIn(actor): SignedIn,
    Path(id): Path<OperationId>,
    Wait(wait): Wait,
) -> Result<Json<OperationView>, ApiError> {
    // Waiting reads only, so a wait that is dropped because the process stops loses nothing; the client is told how
    // far it is and asks again.
    match lifecycle.soft().run_until_cancelled(usecases.wait_operation(&actor, id, wait)).await {
        Some(operation) => Ok(Json(operation?)),
        None => Ok(Json(usecases.operation(&actor, id).await?)),
    }
}
