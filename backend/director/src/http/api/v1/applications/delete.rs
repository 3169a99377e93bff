//! `DELETE /api/v1/applications/{id}`.

use crate::http::{
    auth::SignedIn,
    extract::{Path, Query},
    problem::ApiError,
};
use aerie_domain::ApplicationId;
use aerie_usecases::UseCases;
use axum::{extract::State, http::StatusCode};
use serde::Deserialize;

/// What the person knows to be lost.
#[derive(Debug, Deserialize)]
pub struct DeleteQuery {
    #[serde(default)]
    losing: String,
}

/// Remove an application with everything in it.
///
/// It is listed as `deleting` until its instances are gone. Its volumes go to the trash. Those whose content a service of it
/// keeps go with that service for good: it is refused until they are named.
#[utoipa::path(
    delete,
    path = "/applications/{id}",
    tag = "applications",
    params(
        ("id" = ApplicationId, Path, description = "Application"),
        (
            "losing" = Option<String>,
            Query,
            description = "Names of all volumes that its services keep, separated by commas."
        )
    ),
    responses((status = 204, description = "It is being removed."))
)]
pub async fn delete_application(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ApplicationId>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, ApiError> {
    usecases.delete_application(&actor, id, &query.losing).await?;
    Ok(StatusCode::NO_CONTENT)
}
