//! Shapes of answers that several endpoints share.

use crate::http::{extract::Json, problem::ApiError};
use aerie_domain::{
    Problem,
    views::{Accepted, Page},
};
use axum::{
    body::Body,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::path::Path;
use tokio::fs::File;
use tokio_util::io::ReaderStream;

/// 201 with the address of the new thing.
#[derive(Debug)]
pub struct Created<T> {
    /// Path of the new thing.
    pub location: String,
    /// The new thing.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, location(self.location), Json(self.body)).into_response()
    }
}

/// 202 with the address of the operation to follow.
#[derive(Debug)]
pub struct Accepted202(pub Accepted);

impl IntoResponse for Accepted202 {
    fn into_response(self) -> Response {
        let operation = format!("/api/v1/operations/{}", self.0.operation.id);
        (StatusCode::ACCEPTED, location(operation), Json(self.0)).into_response()
    }
}

fn location(path: String) -> [(HeaderName, String); 1] {
    [(header::LOCATION, path)]
}

/// A file to save under a name.
pub async fn download(path: &Path, name: &str) -> Result<Response, ApiError> {
    let file = File::open(path).await.map_err(|error| {
        tracing::error!(error = %error, file = %path.display(), "a file that is in the database is missing");
        Problem::not_found("file")
    })?;
    let length = file.metadata().await.map(|metadata| metadata.len()).unwrap_or_default();
    Ok((attachment(name, length), Body::from_stream(ReaderStream::new(file))).into_response())
}

/// Headers of a file to save under a name.
pub fn attachment(name: &str, length: u64) -> [(HeaderName, String); 3] {
    // Quotes, backslashes, control and non-ASCII characters have no place in the simple form of the header.
    let name: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\/;".contains(c) { c } else { '_' }).collect();
    [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ]
}

/// A list that always comes whole, in the same shape as those that come in parts.
pub fn items<T>(items: Vec<T>) -> Json<Page<T>> {
    Json(Page { items, next: None })
}
