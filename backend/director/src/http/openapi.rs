//! The OpenAPI document, generated from the endpoints themselves.

use super::router;
use aerie_domain::{
    Problem,
    views::{EventView, LoadView, LogLine},
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::OpenApi;

/// Where the generated document starts from.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aerie",
        description = "Everything the dashboard does, for programs.\n\nSend `Authorization: Bearer <token>`; make a token \
                       on your account page or with `POST /api/v1/login`. Answers are JSON. Refusals are problem details \
                       (RFC 9457) with a stable `code`. What takes a while answers 202 with an operation to follow. \
                       Times are UTC, memory is in bytes, processor time in thousandths of a core."
    ),
    components(schemas(Problem, EventView, LoadView, LogLine)),
    tags(
        (name = "users", description = "Accounts and logging in"),
        (name = "me", description = "The account that is signed in, its credit, sessions and tokens"),
        (name = "kinds", description = "What services can be"),
        (name = "applications", description = "What a user composes out of services"),
        (name = "services", description = "Services: start, stop, scale, configure, logs"),
        (name = "load", description = "What services use and do, over time; the load generator"),
        (name = "actions", description = "Buttons of services: scripts that run on instances when somebody asks"),
        (name = "bindings", description = "Services that use other services of their application"),
        (name = "volumes", description = "Files that outlive services, shared by all instances of those that have them"),
        (name = "versions", description = "Uploaded code"),
        (name = "backups", description = "What services keep, taken out of them and put back"),
        (name = "operations", description = "How far a request is"),
        (name = "events", description = "What happens, as it happens"),
        (name = "announcements", description = "Banners on every page"),
        (name = "admin", description = "For administrators; everybody else is told that there is no such thing")
    )
)]
pub struct Base;

/// The finished document.
#[derive(Debug)]
pub struct ApiDocument {
    value: Value,
    text: String,
}

/// Generates the document.
pub fn document() -> ApiDocument {
    ApiDocument::new(&router::api().into_openapi())
}

impl ApiDocument {
    fn new(generated: &utoipa::openapi::OpenApi) -> Self {
        let mut value = serde_json::to_value(generated).unwrap_or_default();
        complete(&mut value);
        let text = value.to_string();
        Self { value, text }
    }

    /// As JSON values.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Indented, for files.
    pub fn to_pretty_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.value)
    }
}

/// Adds what is the same for every endpoint: refusals, and how to say who one is.
fn complete(document: &mut Value) {
    document["security"] = json!([{"token": []}, {"session": []}]);
    document["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "An API token"},
        "session": {"type": "apiKey", "in": "cookie", "name": "aerie_session", "description": "The browser's session"},
    });
    document["components"]["responses"] = json!({
        "Problem": {
            "description": "Refused: the body says why.",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    });
    let paths = document["paths"].as_object_mut().into_iter().flat_map(serde_json::Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(serde_json::Map::values_mut) {
        if operation["responses"].is_object() {
            operation["responses"]["default"] = json!({"$ref": "#/components/responses/Problem"});
        }
    }
}

/// `GET /api/v1/openapi.json`.
pub async fn serve(State(document): State<Arc<ApiDocument>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.text.clone()).into_response()
}
