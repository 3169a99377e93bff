//! Errors of plain forms come back in the page's address (`__path`, `__err`). Anybody can write such an address: a link
//! from elsewhere must not make our pages say what its author likes.

use super::context::{headers, text};
use axum::http::{HeaderMap, HeaderName, header, request::Parts};
use leptos::prelude::use_context;

/// Redirects to the address without the error when the request did not come from a page of ours.
pub fn drop_foreign_errors() {
    let Some(parts) = use_context::<Parts>() else { return };
    let query = parts.uri.query().unwrap_or_default();
    if names_error(query) && !headers(is_ours) {
        leptos_axum::redirect(&without_error(parts.uri.path(), query));
    }
}

fn is_ours(headers: &HeaderMap) -> bool {
    match text(headers, &HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        // Browsers leave that header out on plain HTTP to other hosts than localhost.
        None => match (text(headers, &header::REFERER), text(headers, &header::HOST)) {
            (Some(referer), Some(host)) => {
                referer.split_once("://").and_then(|(_, rest)| rest.split('/').next()) == Some(host)
            }
            _ => false,
        },
    }
}

fn names_error(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("__err=") || pair.starts_with("__path="))
}

fn without_error(path: &str, query: &str) -> String {
    let rest: Vec<&str> =
        query.split('&').filter(|pair| !(pair.starts_with("__err=") || pair.starts_with("__path="))).collect();
    // A path that starts with two slashes would be another host.
    let path = format!("/{}", path.trim_start_matches('/'));
    if rest.is_empty() { path } else { format!("{path}?{}", rest.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_our_own_pages_may_bring_errors_along() {
        assert!(is_ours(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(is_ours(&headers(&[("referer", "http://lab:8080/login"), ("host", "lab:8080")])));
        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("referer", "http://blog.ada.lab:8080/"), ("host", "lab:8080")],
            &[],
        ] {
            assert!(!is_ours(&headers(foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn the_rest_of_the_address_stays() {
        assert_eq!(without_error("/login", "next=%2Fx&__path=a&__err=b"), "/login?next=%2Fx");
        assert_eq!(without_error("//evil.example", "__err=b"), "/evil.example");
        assert!(names_error("a=b&__err=c"));
        assert!(!names_error("a=__err"));
    }
}
