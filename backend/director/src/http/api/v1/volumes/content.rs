//! `GET`, `PUT /api/v1/volumes/{id}/content`.

use crate::{
    http::{
        api::answers::{Created, attachment},
        auth::SignedIn,
        extract::{Path, Query},
        problem::ApiError,
        upload,
    },
    state::AppState,
};
use aerie_domain::{
    VolumeId,
    views::{VolumeEntryView, VolumePathQuery},
};
use aerie_usecases::UseCases;
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;

/// Download a file of a volume.
///
/// Not for tokens that may only read: there may be passwords in it.
#[utoipa::path(
    get,
    path = "/volumes/{id}/content",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume"), VolumePathQuery),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream"))
)]
pub async fn download_file(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
    Query(at): Query<VolumePathQuery>,
) -> Result<Response, ApiError> {
    let slot = state.streams.take(actor.user)?;
    let (file, name) = state.usecases.volume_file(&actor, id, &at.path).await?;
    // the slot goes back when all of it was sent
    let content = file.content.inspect(move |_| _ = &slot);
    Ok((attachment(&name, file.bytes), Body::from_stream(content)).into_response())
}

/// Upload a file to a volume.
///
/// The body is the file, of any type. Folders on the way are made; a file that is there is replaced, once all has come.
#[utoipa::path(
    put,
    path = "/volumes/{id}/content",
    tag = "volumes",
    params(("id" = VolumeId, Path, description = "Volume"), VolumePathQuery),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, description = "It is there.", body = VolumeEntryView))
)]
pub async fn upload_file(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<VolumeId>,
    Query(at): Query<VolumePathQuery>,
    body: Body,
) -> Result<Created<VolumeEntryView>, ApiError> {
    let entry = upload::receive_file(&usecases, &actor, id, &at.path, body).await?;
    Ok(Created { location: format!("/api/v1/volumes/{id}/files"), body: entry })
}
