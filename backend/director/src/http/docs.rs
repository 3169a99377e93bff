//! `GET /api/docs`: the REST API for people to read, rendered from the OpenAPI document. No scripts, nothing from
//! elsewhere.

mod example;
pub(super) mod html;
mod operation;

use super::{openapi::ApiDocument, security::CspNonce};
use crate::config::Config;
use axum::{Extension, extract::State, response::Html};
use html::{escape, paragraphs};
use serde_json::Value;
use std::{fmt::Write, sync::Arc};

const STYLE: &str = include_str!("docs/style.css");

/// The page.
pub async fn page(
    State(document): State<Arc<ApiDocument>>,
    State(config): State<Arc<Config>>,
    Extension(nonce): Extension<CspNonce>,
) -> Html<String> {
    Html(render(document.value(), config.public_url.as_str(), nonce.as_str()))
}

fn render(document: &Value, public_url: &str, nonce: &str) -> String {
    let (mut contents, mut sections) = (String::new(), String::new());
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        let description = escape(tag["description"].as_str().unwrap_or_default());
        let operations = operations(document, name);
        let anchor = escape(name);
        let _ = write!(contents, "<li><a href=\"#{anchor}\">{description}</a></li>");
        let _ = write!(sections, "<section id=\"{anchor}\"><h2>{description}</h2>");
        for (method, path, operation) in operations {
            sections.push_str(&operation::render(document, public_url, method, path, operation));
        }
        sections.push_str("</section>");
    }
    let intro = paragraphs(document["info"]["description"].as_str().unwrap_or_default());
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>REST API · Aerie</title><style nonce=\"{nonce}\">{STYLE}</style></head><body>\
         <header><p><a href=\"/\">Aerie</a></p><h1>REST API</h1>{intro}\
         <p>The same as a document for programs: <a href=\"/api/v1/openapi.json\">openapi.json</a></p>\
         <nav aria-label=\"Contents\"><ul>{contents}</ul></nav></header><main>{sections}</main></body></html>"
    )
}

/// Method, path and description of every operation with the tag.
fn operations<'a>(document: &'a Value, tag: &str) -> Vec<(&'a str, &'a str, &'a Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            item.as_object()
                .into_iter()
                .flatten()
                .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .filter(|(_, _, operation)| operation["tags"].as_array().is_some_and(|tags| tags.iter().any(|t| t == tag)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi;

    #[test]
    fn every_operation_has_an_entry_with_an_example() {
        let document = openapi::document();
        let page = render(document.value(), "http://localhost:7700", "abc");
        for item in document.value()["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("id=\"{id}\"")), "{id} is missing");
            }
        }
        assert!(page.contains("curl -X PUT http://localhost:7700/api/v1/services/$ID/scale"));
        assert!(!page.contains("<script"));
    }
}
