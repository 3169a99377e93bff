//! `POST /api/v1/services/{id}/restart`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Restart a service.
///
/// All its instances are replaced by new ones, one after the other: new ones first where nothing is kept on them, so that no
/// request is lost. They come from the newest image of the kind. Refused when the service does not run.
#[utoipa::path(
    post,
    path = "/services/{id}/restart",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn restart_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.restart_service(&actor, id).await?))
}
