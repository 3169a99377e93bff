//! `DELETE /api/v1/services/{id}`.

use crate::http::{
    api::answers::Accepted202,
    auth::SignedIn,
    extract::{Path, Query},
    problem::ApiError,
};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_usecases::UseCases;
use axum::extract::State;
use serde::Deserialize;

/// What to do about services that use this one.
#[derive(Debug, Deserialize)]
pub struct DeleteQuery {
    #[serde(default)]
    unbind: bool,
}

/// Remove a service with its data, code and logs.
///
/// Accepted in every state; refused while other services use it, unless they shall lose it.
#[utoipa::path(
    delete,
    path = "/services/{id}",
    tag = "services",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("unbind" = Option<bool>, Query, description = "Services that use it shall lose it.")
    ),
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn delete_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Query(query): Query<DeleteQuery>,
) -> Result<Accepted202, ApiError> {
    let accepted = if query.unbind {
        usecases.unbind_and_delete_service(&actor, id).await?
    } else {
        usecases.delete_service(&actor, id).await?
    };
    Ok(Accepted202(accepted))
}
