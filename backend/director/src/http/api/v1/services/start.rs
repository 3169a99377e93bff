//! `POST /api/v1/services/{id}/start`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Start a service.
///
/// Its instances cost credit from when they are healthy.
#[utoipa::path(
    post,
    path = "/services/{id}/start",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn start_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.start_service(&actor, id).await?))
}
