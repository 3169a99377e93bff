//! `GET /api/v1/admin/audit`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Query},
    problem::ApiError,
};
use aerie_domain::views::{AuditQuery, AuditView, Page};
use aerie_usecases::UseCases;
use axum::extract::State;

/// Every change that somebody made, newest first: who, when, from where, what.
#[utoipa::path(
    get,
    path = "/admin/audit",
    tag = "admin",
    params(("actor" = Option<String>, Query, description = "User name of who did it"), ("action" = Option<String>, Query, description = "What was done, or its beginning: `service.`"), ("text" = Option<String>, Query, description = "A part of the target, the address or the details"), ("after" = Option<String>, Query, description = "Where the last page ended: its `next`"), ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 50 unless told")),
    responses((status = 200, description = "A part of the list.", body = Page<AuditView>))
)]
pub async fn list_audit_log(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditView>>, ApiError> {
    Ok(Json(usecases.audit_log(&actor, &query).await?))
}
