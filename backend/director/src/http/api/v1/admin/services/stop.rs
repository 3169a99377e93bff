//! `POST /api/v1/admin/services/{id}/stop`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Stop anybody's service.
///
/// Data, code and settings are kept; its page says that an administrator stopped it. Its owner may start it again.
#[utoipa::path(
    post,
    path = "/admin/services/{id}/stop",
    tag = "admin",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn stop_any_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.admin_stop_service(&actor, id).await?))
}
