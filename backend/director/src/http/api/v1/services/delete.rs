//! `DELETE /api/v1/services/{id}`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Remove a service with its data, code and logs.
///
/// Accepted in every state.
#[utoipa::path(
    delete,
    path = "/services/{id}",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn delete_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.delete_service(&actor, id).await?))
}
