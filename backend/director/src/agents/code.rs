//! `GET /code/{digest}`: a normalised archive, for an instance of the service that has it.

use super::listener::{AgentState, Peer};
use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

/// Hexadecimal digits of a SHA-256.
const DIGEST_CHARS: usize = 64;

pub(super) async fn code(
    State(state): State<AgentState>,
    Extension(Peer(instance)): Extension<Peer>,
    Path(digest): Path<String>,
) -> Response {
    if digest.len() != DIGEST_CHARS || !digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = match state.parts.usecases.code_for_instance(instance, &digest).await {
        Ok(Some(path)) => path,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(failure) => {
            let status = StatusCode::from_u16(failure.into_problem().status);
            return status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        }
    };
    match open(&path).await {
        Ok((file, length)) => {
            ([(header::CONTENT_LENGTH, length)], Body::from_stream(ReaderStream::new(file))).into_response()
        }
        Err(error) => {
            tracing::error!(error = %error, file = %path.display(), "code that an instance needs is missing");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) async fn open(path: &std::path::Path) -> std::io::Result<(File, u64)> {
    let file = File::open(path).await?;
    let length = file.metadata().await?.len();
    Ok((file, length))
}
