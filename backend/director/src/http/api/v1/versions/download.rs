//! `GET /api/v1/services/{id}/versions/{version}/file`.

use crate::http::{auth::SignedIn, extract::Path, problem::ApiError};
use aerie_domain::{CodeVersionId, Problem, ServiceId};
use aerie_usecases::UseCases;
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

/// The file of a code version, as it was uploaded.
#[utoipa::path(
    get,
    path = "/services/{id}/versions/{version}/file",
    tag = "versions",
    params(
        ("id" = ServiceId, Path, description = "Service"),
        ("version" = CodeVersionId, Path, description = "Code version")
    ),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream"))
)]
pub async fn download_version(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path((id, version)): Path<(ServiceId, CodeVersionId)>,
) -> Result<Response, ApiError> {
    let (path, name) = usecases.version_file(&actor, id, version).await?;
    let file = File::open(&path).await.map_err(|error| {
        tracing::error!(error = %error, file = %path.display(), "the file of a version is missing");
        Problem::not_found("file")
    })?;
    let length = file.metadata().await.map(|metadata| metadata.len()).unwrap_or_default();
    // Quotes, backslashes, control and non-ASCII characters have no place in the simple form of the header.
    let name: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\/;".contains(c) { c } else { '_' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}
