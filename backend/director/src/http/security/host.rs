//! Requests must name one of the director's own hosts: a page of another name that resolves to us (DNS rebinding)
//! gets nothing.

use crate::config::Config;
use aerie_domain::{Problem, ProblemCode};
use axum::{
    extract::{Request, State},
    http::{StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// The middleware.
pub async fn check_host(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = match (request.uri().host(), named) {
        (Some(host), _) => Some(host.to_ascii_lowercase()),
        (None, Some(named)) => host_of(named),
        (None, None) => None,
    };
    if host.is_some_and(|host| config.hosts.contains(&host)) {
        return next.run(request).await;
    }
    let detail =
        format!("This director is found at {}. Other names must be listed in AERIE_HOSTS.", config.public_url.as_str());
    let problem = Problem {
        status: StatusCode::MISDIRECTED_REQUEST.as_u16(),
        title: "Not the host you asked for".to_owned(),
        ..Problem::new(ProblemCode::NotFound, detail)
    };
    let mut response = StatusCode::MISDIRECTED_REQUEST.into_response();
    response.extensions_mut().insert(problem);
    response
}

/// `name[:port]` without the port, lower case.
fn host_of(header: &str) -> Option<String> {
    let uri: Uri = format!("http://{header}/").parse().ok()?;
    (uri.authority()?.as_str() == header).then(|| uri.host().map(str::to_ascii_lowercase))?
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_port_is_left_out_and_nonsense_is_refused() {
        assert_eq!(host_of("LOCALHOST:7700").as_deref(), Some("localhost"));
        assert_eq!(host_of("[::1]:7700").as_deref(), Some("[::1]"));
        for header in ["", "a/b", "localhost/@evil", "a b"] {
            assert_eq!(host_of(header), None, "{header}");
        }
    }
}
