//! `GET /api/v1/services/{id}/instances`.

use crate::http::api::answers::items;
use crate::http::{
    auth::SignedIn,
    extract::{Json, Path},
    problem::ApiError,
};
use aerie_domain::{
    ServiceId,
    views::{InstanceView, Page},
};
use aerie_usecases::UseCases;
use axum::extract::State;

/// The instances of a service.
#[utoipa::path(
    get,
    path = "/services/{id}/instances",
    tag = "services",
    params(("id" = ServiceId, Path, description = "Service")),
    responses((status = 200, description = "Instances, oldest first.", body = Page<InstanceView>))
)]
pub async fn list_instances(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
) -> Result<Json<Page<InstanceView>>, ApiError> {
    Ok(items(usecases.service(&actor, id).await?.instances))
}
