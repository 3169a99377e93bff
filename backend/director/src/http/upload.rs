//! Uploads: multipart in, a code version or a backup out. Used by the REST endpoints and by the page's forms.
//!
//! The file goes to disk as it arrives, counted; a connection that breaks leaves nothing behind.

use super::{
    auth::SignedIn,
    extract::Path,
    problem::{ApiError, Reader},
};
use aerie_domain::{
    Problem, ProblemCode, ServiceId,
    views::{BackupView, CodeVersionView},
};
use aerie_frontend::{UploadForm, upload_error_location};
use aerie_usecases::{Actor, StagedUpload, UseCases};
use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Multipart, Request, State, multipart::Field},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Longest pause between two pieces of an upload. Longer: stalled uploads keep their file; shorter: bad networks fail.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// How long and how much of a refused upload is still read, so that the client gets to read why: browsers and many
/// programs look at an answer only after they have sent everything.
const DRAIN_FOR: Duration = Duration::from_secs(10);
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
/// Largest note, bytes: 500 characters of any script. The use case says the exact limit.
const MAX_NOTE_BYTES: usize = 4 * 1024;

/// A form that was read: a file, its name, and the note.
struct Read {
    upload: StagedUpload,
    name: String,
    note: String,
}

/// Reads the form with the fields `file` and `note` and makes a version of it.
pub async fn receive(
    usecases: &UseCases,
    actor: &Actor,
    service: ServiceId,
    request: Request,
) -> Result<CodeVersionView, ApiError> {
    let Read { upload, name, note } = read(usecases, actor, service, UploadForm::Version, request).await?;
    Ok(usecases.finish_upload(actor, upload, &name, note.trim()).await?)
}

/// Reads the form with the field `file` and makes a backup of it.
pub async fn receive_backup(
    usecases: &UseCases,
    actor: &Actor,
    service: ServiceId,
    request: Request,
) -> Result<BackupView, ApiError> {
    let Read { upload, name, .. } = read(usecases, actor, service, UploadForm::Backup, request).await?;
    Ok(usecases.finish_backup_upload(actor, upload, &name).await?)
}

async fn read(
    usecases: &UseCases,
    actor: &Actor,
    service: ServiceId,
    what: UploadForm,
    request: Request,
) -> Result<Read, ApiError> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        ApiError::new(ProblemCode::MalformedRequest, "Send the file as multipart/form-data in the field `file`.")
    })?;
    let result = fields(usecases, actor, service, what, &mut form).await;
    if result.is_err() {
        drain(&mut form).await;
    }
    result
}

async fn fields(
    usecases: &UseCases,
    actor: &Actor,
    service: ServiceId,
    what: UploadForm,
    form: &mut Multipart,
) -> Result<Read, ApiError> {
    let (mut upload, mut name, mut note) = (None, String::new(), String::new());
    while let Some(mut field) = patiently(form.next_field()).await? {
        match field.name() {
            Some("file") if upload.is_none() => {
                field.file_name().unwrap_or_default().clone_into(&mut name);
                let mut staged = match what {
                    UploadForm::Version => usecases.begin_upload(actor, service).await?,
                    UploadForm::Backup => usecases.begin_backup_upload(actor, service).await?,
                };
                while let Some(bytes) = patiently(field.chunk()).await? {
                    staged.write(&bytes).await?;
                }
                upload = Some(staged);
            }
            Some("note") => note = text(&mut field).await?,
            // A form may have more fields than we know; they are read and forgotten.
            _ => while patiently(field.chunk()).await?.is_some() {},
        }
    }
    match upload {
        Some(upload) if !name.is_empty() => Ok(Read { upload, name, note }),
        _ => Err(ApiError(Problem::field(
            "file",
            match what {
                UploadForm::Version => "must be an archive",
                UploadForm::Backup => "must be a backup",
            },
        ))),
    }
}

async fn text(field: &mut Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(more) = patiently(field.chunk()).await? {
        bytes.extend_from_slice(&more);
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(ApiError(Problem::field("note", "is too long")));
        }
    }
    String::from_utf8(bytes).map_err(|_| ApiError(Problem::field("note", "must be text")))
}

async fn patiently<T>(
    step: impl Future<Output = Result<T, axum::extract::multipart::MultipartError>>,
) -> Result<T, ApiError> {
    match timeout(STALLED_AFTER, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::debug!(error = crate::errors::chain(&error), "an upload broke off");
            Err(ApiError::new(ProblemCode::MalformedRequest, "The upload broke off, or is not a valid form."))
        }
        Err(_) => Err(ApiError::new(ProblemCode::MalformedRequest, "The upload stalled.")),
    }
}

async fn drain(form: &mut Multipart) {
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

/// `POST /services/{id}/upload`: the form of the service's page. A person is sent back to the page, with the problem
/// if there is one; a script gets JSON.
pub async fn form(usecases: State<UseCases>, service: Path<ServiceId>, request: Request) -> Result<Response, ApiError> {
    answer(usecases, service, request, UploadForm::Version).await
}

/// `POST /services/{id}/backups/upload`: the same for backups.
pub async fn backup_form(
    usecases: State<UseCases>,
    service: Path<ServiceId>,
    request: Request,
) -> Result<Response, ApiError> {
    answer(usecases, service, request, UploadForm::Backup).await
}

async fn answer(
    State(usecases): State<UseCases>,
    Path(service): Path<ServiceId>,
    request: Request,
    what: UploadForm,
) -> Result<Response, ApiError> {
    let reader = Reader::of(&request);
    let (mut parts, body) = request.into_parts();
    let result = match SignedIn::from_request_parts(&mut parts, &()).await {
        Ok(SignedIn(actor)) => {
            let request = Request::from_parts(parts, body);
            match what {
                UploadForm::Version => receive(&usecases, &actor, service, request).await.map(|made| created(&made)),
                UploadForm::Backup => {
                    receive_backup(&usecases, &actor, service, request).await.map(|made| created(&made))
                }
            }
        }
        Err(error) => Err(error),
    };
    match (reader, result) {
        (Reader::Program, result) => result,
        (Reader::Person, Ok(_)) => Ok(Redirect::to(&format!("/services/{service}#{}", what.section())).into_response()),
        (Reader::Person, Err(ApiError(problem))) if problem.code == ProblemCode::NotSignedIn => {
            Ok(Redirect::to(&format!("/login?next=%2Fservices%2F{service}")).into_response())
        }
        (Reader::Person, Err(ApiError(problem))) => {
            Ok(Redirect::to(&upload_error_location(service, what, &problem)).into_response())
        }
    }
}

fn created<T: Serialize>(made: &T) -> Response {
    (StatusCode::CREATED, Json(made)).into_response()
}
