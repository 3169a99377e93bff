//! `POST /api/v1/services/{id}/stop`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Stop a service.
///
/// Data, code and settings are kept. Accepted in every state.
#[utoipa::path(
    post,
    path = "/services/{id}/stop",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn stop_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.stop_service(&actor, id).await?))
}
