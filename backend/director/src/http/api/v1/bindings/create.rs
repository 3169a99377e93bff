//! `PUT /api/v1/services/{id}/bindings/{other}`.

use crate::http::{
    api::answers::Accepted202,
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{Accepted, BindService},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Let a service use another one of its application.
///
/// It gets the other's address, names and passwords as environment variables, and starts after it.
#[utoipa::path(
    put,
    path = "/services/{id}/bindings/{other}",
    tag = "bindings",
    params(
        ("id" = ServiceId, Path, description = "The service that uses"),
        ("other" = ServiceId, Path, description = "The service that is used")
    ),
    request_body = BindService,
    responses((status = 202, description = "Accepted; follow the operation at `Location`.", body = Accepted))
)]
pub async fn bind_service(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, other)): Path<(ServiceId, ServiceId)>,
    Json(form): Json<BindService>,
) -> Result<Accepted202, ApiError> {
    Ok(Accepted202(usecases.bind_service(&actor, id, other, form).await?))
}
