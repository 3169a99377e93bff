//! How refusals leave the house: RFC 9457 problem details for programs, a small page for people.
//!
//! Handlers return [`ApiError`]; the body is written at the outermost layer ([`present`]), which knows the request's
//! id and whether a person or a program asked.

mod page;

use aerie_domain::{Problem, ProblemCode};
use aerie_usecases::Failure;
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Media type of problem details.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a client that tried too often may try again.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("60");

/// A refusal on its way out.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ApiError(pub Problem);

impl ApiError {
    /// A refusal with a sentence for the person.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Problem::new(code, detail))
    }

    /// No route at this path.
    pub fn no_such_route() -> Self {
        Self::new(ProblemCode::NotFound, "There is nothing at this address. The API is described at /api/docs.")
    }

    /// Nobody is signed in.
    pub fn not_signed_in() -> Self {
        Self::new(
            ProblemCode::NotSignedIn,
            "Log in, or send a token: Authorization: Bearer aerie_… (make one on your account page or with POST /api/v1/login).",
        )
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self(failure.into_problem())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        let headers = response.headers_mut();
        match self.0.code {
            ProblemCode::NotSignedIn => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            ProblemCode::TooManyRequests => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER_S);
            }
            _ => {}
        }
        response.extensions_mut().insert(self.0);
        response
    }
}

/// A problem with the request's id, so that people can name it and the log can be searched for it.
#[derive(Serialize)]
struct WithRequestId<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    request_id: &'a str,
}

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Problem details.
    Program,
    /// A page.
    Person,
}

impl Reader {
    /// Below `/api/` and `/fn/` always a program; elsewhere whoever asks for HTML is a person.
    pub fn of<B>(request: &axum::http::Request<B>) -> Self {
        let path = request.uri().path();
        let html = request
            .headers()
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
        let api = path.starts_with("/api/v1") || path.starts_with("/fn/");
        if html && !api && request.method() != Method::HEAD { Self::Person } else { Self::Program }
    }
}

/// Writes the body of a refusal; other answers pass unchanged.
pub fn present(mut response: Response, reader: Reader, request_id: &str, nonce: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let (content_type, body) = match reader {
        Reader::Program => {
            let body = serde_json::to_string(&WithRequestId { problem: &problem, request_id });
            (PROBLEM_JSON, body.unwrap_or_else(|_| "{}".to_owned()))
        }
        Reader::Person => ("text/html; charset=utf-8", page::render(&problem, request_id, nonce)),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    #[tokio::test]
    async fn a_program_gets_details_with_the_request_id() {
        let answer = present(ApiError(Problem::field("name", "is taken")).into_response(), Reader::Program, "r-1", "n");
        assert_eq!(answer.status(), 422);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        let body: serde_json::Value =
            serde_json::from_slice(&to_bytes(answer.into_body(), 10_000).await.unwrap()).unwrap();
        assert_eq!(body["code"], "invalid_input");
        assert_eq!(body["errors"][0]["field"], "name");
        assert_eq!(body["request_id"], "r-1");
    }

    #[tokio::test]
    async fn a_person_gets_a_page_in_which_nothing_is_markup() {
        let error = ApiError::new(ProblemCode::NotFound, "<script>alert(1)</script>");
        let answer = present(error.into_response(), Reader::Person, "r-1", "n");
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(text.contains("&lt;script&gt;") && !text.contains("<script>"), "{text}");
    }
}
