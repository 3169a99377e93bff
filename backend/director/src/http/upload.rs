//! Uploads: multipart in; a code version, a backup or a file of a volume out. Used by the REST endpoints and by the pages'
//! forms.
//!
//! The file goes to disk as it arrives, counted; a connection that breaks leaves nothing behind.

use super::{
    auth::SignedIn,
    extract::Path,
    problem::{ApiError, Reader},
};
use aerie_domain::{
    Problem, ProblemCode, ServiceId, VolumeId,
    views::{BackupView, CodeVersionView, VolumeEntryView},
};
use aerie_frontend::{UploadForm, upload_error_location};
use aerie_usecases::{Actor, Outcome, StagedUpload, UseCases};
use axum::{
    Json,
    body::Body,
    extract::{FromRequest, FromRequestParts, Multipart, Request, State, multipart::Field},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use futures_util::TryStreamExt;
use serde::Serialize;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, copy, sink},
    time::{Instant, timeout, timeout_at},
};

/// Longest pause between two pieces of an upload. Longer: stalled uploads keep their file; shorter: bad networks fail.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// How long and how much of a refused upload is still read, so that the client gets to read why: browsers and many
/// programs look at an answer only after they have sent everything.
const DRAIN_FOR: Duration = Duration::from_secs(10);
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
/// Longest text beside a file, bytes: 500 characters of any script. The use case says the exact limit.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// A form that was read: a file, its name, and what was typed.
struct Read<O> {
    upload: StagedUpload<O>,
    name: String,
    typed: String,
}

/// Reads the form with the fields `file` and `note` and makes a version of it.
pub async fn receive(
    usecases: &UseCases,
    actor: &Actor,
    service: ServiceId,
    request: Request,
) -> Result<CodeVersionView, ApiError> {
    let begin = || usecases.begin_upload(actor, service);
    let Read { upload, name, typed } = read(request, "note", "must be an archive", begin).await?;
    Ok(usecases.finish_upload(actor, upload, &name, typed.trim()).await?)
}

/// Reads the form with the field `file` and makes a backup of it.
pub async fn receive_backup(
    usecases: &UseCases,
    actor: &Actor,
    service: ServiceId,
    request: Request,
) -> Result<BackupView, ApiError> {
    let begin = || usecases.begin_backup_upload(actor, service);
    let Read { upload, name, .. } = read(request, "", "must be a backup", begin).await?;
    Ok(usecases.finish_backup_upload(actor, upload, &name).await?)
}

/// Reads the form with the fields `folder` and `file` and puts it on a volume; gives the folder, too.
async fn receive_into(
    usecases: &UseCases,
    actor: &Actor,
    volume: VolumeId,
    request: Request,
) -> Result<(VolumeEntryView, String), ApiError> {
    let begin = || usecases.begin_volume_upload(actor, volume);
    let Read { upload, name, typed } = read(request, "folder", "must be a file", begin).await?;
    Ok((usecases.finish_volume_upload(actor, upload, &typed, &name).await?, typed))
}

/// Takes a body as it is for a file of a volume.
pub async fn receive_file(
    usecases: &UseCases,
    actor: &Actor,
    volume: VolumeId,
    path: &str,
    body: Body,
) -> Result<VolumeEntryView, ApiError> {
    let mut upload = usecases.begin_volume_upload(actor, volume).await?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = patiently(pieces.try_next()).await? {
        upload.write(&piece).await?;
    }
    Ok(usecases.finish_volume_upload_at(actor, upload, path).await?)
}

/// Reads a form with a file and perhaps a line of text before it.
async fn read<O>(
    request: Request,
    text_field: &str,
    what: &str,
    begin: impl AsyncFnOnce() -> Outcome<StagedUpload<O>>,
) -> Result<Read<O>, ApiError> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        ApiError::new(ProblemCode::MalformedRequest, "Send the file as multipart/form-data in the field `file`.")
    })?;
    let result = fields(&mut form, text_field, what, begin).await;
    if result.is_err() {
        drain_form(&mut form).await;
    }
    result
}

async fn fields<O>(
    form: &mut Multipart,
    text_field: &str,
    what: &str,
    begin: impl AsyncFnOnce() -> Outcome<StagedUpload<O>>,
) -> Result<Read<O>, ApiError> {
    let (mut begin, mut upload) = (Some(begin), None);
    let (mut name, mut typed) = (String::new(), String::new());
    while let Some(mut field) = patiently(form.next_field()).await? {
        match field.name() {
            Some("file") if upload.is_none() => {
                field.file_name().unwrap_or_default().clone_into(&mut name);
                let Some(begin) = begin.take() else { continue };
                let mut staged = begin().await?;
                while let Some(bytes) = patiently(field.chunk()).await? {
                    staged.write(&bytes).await?;
                }
                upload = Some(staged);
            }
            Some(field_name) if field_name == text_field => typed = text(text_field, &mut field).await?,
            // A form may have more fields than we know; they are read and forgotten.
            _ => while patiently(field.chunk()).await?.is_some() {},
        }
    }
    match upload {
        Some(upload) if !name.is_empty() => Ok(Read { upload, name, typed }),
        _ => Err(ApiError(Problem::field("file", what))),
    }
}

async fn text(name: &str, field: &mut Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(more) = patiently(field.chunk()).await? {
        bytes.extend_from_slice(&more);
        if bytes.len() > MAX_TEXT_BYTES {
            return Err(ApiError(Problem::field(name, "is too long")));
        }
    }
    String::from_utf8(bytes).map_err(|_| ApiError(Problem::field(name, "must be text")))
}

/// One step of reading what a client sends, which may not take for ever.
pub(super) async fn patiently<T, E>(step: impl Future<Output = Result<T, E>>) -> Result<T, ApiError>
where
    E: std::error::Error,
{
    match timeout(STALLED_AFTER, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::debug!(error = crate::errors::chain(&error), "an upload broke off");
            Err(ApiError::new(ProblemCode::MalformedRequest, "The upload broke off, or is not a valid form."))
        }
        Err(_) => Err(ApiError::new(ProblemCode::MalformedRequest, "The upload stalled.")),
    }
}

async fn drain_form(form: &mut Multipart) {
    let until = Instant::now() + DRAIN_FOR;
    let mut left = DRAIN_BYTES;
    // Errors and the end of time both mean: enough.
    while let Ok(Ok(Some(mut field))) = timeout_at(until, form.next_field()).await {
        while let Ok(Ok(Some(bytes))) = timeout_at(until, field.chunk()).await {
            left = left.saturating_sub(bytes.len());
            if left == 0 {
                return;
            }
        }
    }
}

/// The same for what is no form.
pub(super) async fn drain(rest: &mut (impl AsyncRead + Unpin)) {
    // Errors and the end of time both mean: enough.
    let _enough = timeout(DRAIN_FOR, copy(&mut rest.take(DRAIN_BYTES as u64), &mut sink())).await;
}

/// `POST /services/{id}/upload`: the form of the service's page. A person is sent back to the page, with the problem
/// if there is one; a script gets JSON.
pub async fn form(
    State(usecases): State<UseCases>,
    Path(service): Path<ServiceId>,
    request: Request,
) -> Result<Response, ApiError> {
    let form = UploadForm::Version(service);
    let receive = async |actor: Actor, request| Ok((receive(&usecases, &actor, service, request).await?, None));
    answer(form, request, receive).await
}

/// `POST /services/{id}/backups/upload`: the same for backups.
pub async fn backup_form(
    State(usecases): State<UseCases>,
    Path(service): Path<ServiceId>,
    request: Request,
) -> Result<Response, ApiError> {
    let form = UploadForm::Backup(service);
    let receive = async |actor: Actor, request| Ok((receive_backup(&usecases, &actor, service, request).await?, None));
    answer(form, request, receive).await
}

/// `POST /volumes/{id}/upload`: the same for a file of a volume; a person is sent back to the folder.
pub async fn volume_form(
    State(usecases): State<UseCases>,
    Path(volume): Path<VolumeId>,
    request: Request,
) -> Result<Response, ApiError> {
    let receive = async |actor: Actor, request| {
        let (entry, folder) = receive_into(&usecases, &actor, volume, request).await?;
        let folder = url::form_urlencoded::byte_serialize(folder.as_bytes()).collect::<String>();
        Ok((entry, Some(format!("/volumes/{volume}/files?path={folder}"))))
    };
    answer(UploadForm::File(volume), request, receive).await
}

/// Answers a form. What came of it may say where a person goes next, if not back to the form's section.
async fn answer<T: Serialize>(
    form: UploadForm,
    request: Request,
    receive: impl AsyncFnOnce(Actor, Request) -> Result<(T, Option<String>), ApiError>,
) -> Result<Response, ApiError> {
    let reader = Reader::of(&request);
    let (mut parts, body) = request.into_parts();
    let result = match SignedIn::from_request_parts(&mut parts, &()).await {
        Ok(SignedIn(actor)) => receive(actor, Request::from_parts(parts, body)).await,
        Err(error) => Err(error),
    };
    let page = form.page();
    match (reader, result) {
        (Reader::Program, result) => result.map(|(made, _)| (StatusCode::CREATED, Json(made)).into_response()),
        (Reader::Person, Ok((_, next))) => {
            let next = next.unwrap_or_else(|| format!("{page}#{}", form.section()));
            Ok(Redirect::to(&next).into_response())
        }
        (Reader::Person, Err(ApiError(problem))) if problem.code == ProblemCode::NotSignedIn => {
            Ok(Redirect::to(&format!("/login?next={}", page.replace('/', "%2F"))).into_response())
        }
        (Reader::Person, Err(ApiError(problem))) => {
            Ok(Redirect::to(&upload_error_location(form, &problem)).into_response())
        }
    }
}
