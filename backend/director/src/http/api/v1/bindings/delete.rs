//! `DELETE /api/v1/services/{id}/bindings/{other}`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Take a service's connection details away from another one.
#[utoipa::path(
    delete,
    path = "/services/{id}/bindings/{other}",
    tag = "bindings",
    params(
        ("id" = ServiceId, Path, description = "The service that uses"),
        ("other" = ServiceId, Path, description = "The service that is used")
    ),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn unbind_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, other)): Path<(ServiceId, ServiceId)>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.unbind_service(&actor, id, other).await?))
}
