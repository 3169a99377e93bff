//! `POST /api/v1/services/{id}/versions`.

use crate::http::{api::answers::Created, auth::SignedIn, extract::Path, problem::ApiError, upload};
use aerie_domain::{ServiceId, views::CodeVersionView};
use aerie_usecases::UseCases;
use axum::extract::{Request, State};
use utoipa::ToSchema;

/// Form of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the multipart form")]
struct UploadForm {
    /// The archive: `.zip` (or `.war`), `.tar`, `.tar.gz`, `.tar.bz2`, `.tar.xz` or `.tar.zst`.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What is new in it.
    note: Option<String>,
}

/// Upload a code version.
///
/// The archive is checked and kept; visitors get it when it is activated. The same can be done with git, by name or by
/// id: `git push http://USER:TOKEN@HOST/git/APPLICATION/SERVICE.git BRANCH`.
#[utoipa::path(
    post,
    path = "/services/{id}/versions",
    tag = "versions",
    params(("id" = ServiceId, Path, description = "Service")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The new version.", body = CodeVersionView))
)]
pub async fn upload_version(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    request: Request,
) -> Result<Created<CodeVersionView>, ApiError> {
    let version = upload::receive(&usecases, &actor, id, request).await?;
    Ok(Created { location: format!("/api/v1/services/{id}/versions/{}", version.id), body: version })
}
