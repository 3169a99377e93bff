//! `POST /api/v1/services/{id}/backups/upload`.

use crate::http::{api::answers::Created, auth::SignedIn, extract::Path, problem::ApiError, upload};
use aerie_domain::{ServiceId, views::BackupView};
use aerie_usecases::UseCases;
use axum::extract::{Request, State};
use utoipa::ToSchema;

/// Form of an uploaded backup.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the multipart form")]
struct BackupForm {
    /// What the kind of service reads: for mysql a dump, `.sql` or `.sql.gz`.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Upload a backup.
///
/// It is kept and checked by one of the service's instances; nothing is put back yet. One that does not pass its check becomes
/// `failed`, and its contents are thrown away.
#[utoipa::path(
    post,
    path = "/services/{id}/backups/upload",
    tag = "backups",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body(content = BackupForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The backup, not checked yet.", body = BackupView))
)]
pub async fn upload_backup(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    request: Request,
) -> Result<Created<BackupView>, ApiError> {
    let backup = upload::receive_backup(&usecases, &actor, id, request).await?;
    Ok(Created { location: format!("/api/v1/services/{id}/backups/{}", backup.id), body: backup })
}
