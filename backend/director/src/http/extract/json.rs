//! JSON in and out.

use crate::http::{problem::ApiError, security::too_large};
use aerie_domain::{FieldError, Problem, ProblemCode};
use axum::{
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

/// A JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        axum::Json::from_request(request, state)
            .await
            .map(|axum::Json(value)| Self(value))
            .map_err(|error| refuse(&error))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

fn refuse(error: &JsonRejection) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    let malformed = |detail: String| Problem::new(ProblemCode::MalformedRequest, detail);
    ApiError(match error {
        JsonRejection::JsonDataError(error) => {
            let (field, message) = locate(&error.body_text());
            let errors = field.map(|field| FieldError { field, message: message.clone() }).into_iter().collect();
            Problem { errors, ..malformed(format!("The JSON does not have the expected form: {message}.")) }
        }
        JsonRejection::JsonSyntaxError(_) => malformed("The body is not valid JSON.".to_owned()),
        JsonRejection::MissingJsonContentType(_) => {
            malformed("Send JSON with Content-Type: application/json.".to_owned())
        }
        _ => malformed("The body could not be read.".to_owned()),
    })
}

/// Finds the field in a text such as `Failed to deserialize …: roles.php: invalid type: string "x", expected i64 at
/// line 1 column 9`, and leaves out what only a parser needs to know.
fn locate(text: &str) -> (Option<String>, String) {
    let text = text.split_once("target type: ").map_or(text, |(_, rest)| rest);
    let text = text.rsplit_once(" at line ").map_or(text, |(rest, _)| rest);
    if let Some((_, rest)) = text.split_once("missing field `")
        && let Some((field, _)) = rest.split_once('`')
    {
        let parent = text.split_once(": missing field").map_or(String::new(), |(path, _)| format!("{path}."));
        return (Some(format!("{parent}{field}")), format!("the field {parent}{field} is missing"));
    }
    match text.split_once(": ") {
        Some((path, message)) if !path.contains(' ') && !path.starts_with("invalid") => {
            (Some(path.to_owned()), format!("{path}: {message}"))
        }
        _ => (None, text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_domain::views::{Rename, Scale};
    use axum::{body::Body, http::header};

    async fn problem<T: DeserializeOwned>(body: &'static str) -> Problem {
        let request =
            Request::builder().header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap();
        match Json::<T>::from_request(request, &()).await {
            Ok(_) => panic!("{body} was accepted"),
            Err(ApiError(problem)) => problem,
        }
    }

    #[tokio::test]
    async fn the_field_is_named() {
        let missing = problem::<Rename>("{}").await;
        assert_eq!((missing.status, missing.message_for("name")), (400, Some("the field name is missing")));
        let wrong = problem::<Scale>(r#"{"roles": {"php": "two"}}"#).await;
        assert_eq!(wrong.code, ProblemCode::MalformedRequest);
        assert!(wrong.message_for("roles.php").unwrap().contains("expected i64"), "{wrong:?}");
    }

    #[tokio::test]
    async fn broken_json_is_told_apart() {
        assert_eq!(problem::<Rename>("{").await.detail, "The body is not valid JSON.");
    }
}
