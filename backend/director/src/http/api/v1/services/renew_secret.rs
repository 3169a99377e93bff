//! `POST /api/v1/services/{id}/secrets/{name}/renew`.

use crate::http::{api::answers::Accepted202, auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Make another password.
///
/// Services that are bound to this one get it by themselves.
#[utoipa::path(
    post,
    path = "/services/{id}/secrets/{name}/renew",
    tag = "services",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("name" = String, Path, description = "Name of the password, from `/services/{id}/access`")
    ),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn renew_secret(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, name)): Path<(ServiceId, String)>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.renew_secret(&actor, id, &name).await?))
}
