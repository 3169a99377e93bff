//! What a server function starts with: who asks, and the use cases. The only place that knows how the director hands
//! them over.

use super::SessionControl;
use crate::PageError;
use aerie_domain::{Problem, ProblemCode};
use aerie_usecases::{Actor, ClientInfo, Failure, UseCases};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::sync::Arc;
use time::OffsetDateTime;

/// Under which address people find the director, without a slash at the end. The director provides it per request.
#[derive(Debug, Clone)]
pub struct DirectorUrl(pub String);

/// Answer of every server function.
pub type Answer<T> = Result<T, PageError>;

/// The use cases.
pub fn use_cases() -> Answer<UseCases> {
    use_context().ok_or_else(|| missing("use cases"))
}

/// Who asks, if they are signed in.
pub fn optional_actor() -> Option<Actor> {
    use_context::<Option<Actor>>().flatten().or_else(|| extension::<Option<Actor>>().flatten())
}

/// Who asks; refused when nobody is signed in.
pub fn actor() -> Answer<Actor> {
    optional_actor().ok_or_else(|| {
        set_status(401);
        PageError::new(ProblemCode::NotSignedIn, "You are not signed in, or your session has ended.")
    })
}

/// What is known of the browser that asks.
pub fn client() -> ClientInfo {
    use_context::<ClientInfo>().or_else(extension::<ClientInfo>).unwrap_or_default()
}

/// The session of the browser that asks.
pub fn session() -> Answer<Arc<dyn SessionControl>> {
    use_context().ok_or_else(|| missing("session"))
}

/// Under which address people find the director.
pub fn director_url() -> String {
    use_context::<DirectorUrl>().map(|url| url.0).unwrap_or_default()
}

/// The clock that pages count from.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Sends the browser on after a form: `303` to a plain form, a hint in a header to a script.
pub fn see_other(path: &str) {
    leptos_axum::redirect(path);
    if accepts_html()
        && let Some(response) = use_context::<ResponseOptions>()
    {
        response.set_status(StatusCode::SEE_OTHER);
    }
}

/// Shows the page of a form again; scripts stay where they are and renew what they show.
pub fn back_to(path: &str) {
    if accepts_html() {
        see_other(path);
    }
}

/// Whether the request is a browser's own (a form or a link), not a script's.
pub fn accepts_html() -> bool {
    headers(|headers| text(headers, &header::ACCEPT).is_some_and(|accept| accept.contains("text/html")))
}

/// Reads the request's headers.
pub fn headers<T: Default>(read: impl FnOnce(&HeaderMap) -> T) -> T {
    use_context::<Parts>().map(|parts| read(&parts.headers)).unwrap_or_default()
}

/// A header as text.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Adds a header to the response.
pub fn append_header(name: HeaderName, value: &str) {
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(value)) {
        response.append_header(name, value);
    }
}

/// Gives the response a status. Not to plain forms: their answer is a redirect that carries the problem.
pub fn set_status(status: u16) {
    let posted_form =
        use_context::<Parts>().is_some_and(|parts| parts.method == axum::http::Method::POST) && accepts_html();
    if let (false, Some(response), Ok(status)) =
        (posted_form, use_context::<ResponseOptions>(), StatusCode::from_u16(status))
    {
        response.set_status(status);
    }
}

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        let problem = failure.into_problem();
        set_status(problem.status);
        problem.into()
    }
}

fn extension<T: Clone + Send + Sync + 'static>() -> Option<T> {
    use_context::<Parts>().and_then(|parts| parts.extensions.get::<T>().cloned())
}

/// The context lacks something: only while routes are listed at start, or by a mistake in the director.
fn missing(what: &str) -> PageError {
    Problem::new(ProblemCode::Unavailable, format!("The {what} cannot be reached from this request.")).into()
}
