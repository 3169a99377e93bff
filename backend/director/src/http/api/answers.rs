//! Shapes of answers that several endpoints share.

use crate::http::extract::Json;
use aerie_domain::views::{Accepted, Page};
use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

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

/// A list that always comes whole, in the same shape as those that come in parts.
pub fn items<T>(items: Vec<T>) -> Json<Page<T>> {
    Json(Page { items, next: None })
}
