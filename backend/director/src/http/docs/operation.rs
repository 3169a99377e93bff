//! One operation on the page: what it does, what goes in, what comes out, and a command to try it.

use super::{
    example,
    html::{escape, inline, paragraphs},
};
use serde_json::Value;
use std::fmt::Write;

pub(super) fn render(document: &Value, public_url: &str, method: &str, path: &str, operation: &Value) -> String {
    let id = escape(operation["operationId"].as_str().unwrap_or_default());
    let method = method.to_uppercase();
    let summary = inline(operation["summary"].as_str().unwrap_or_default());
    let description = paragraphs(operation["description"].as_str().unwrap_or_default());
    let mut html = format!(
        "<article id=\"{id}\"><h3><span class=\"method\">{method}</span> <code>{}</code></h3><p>{summary}</p>{description}",
        escape(path)
    );
    if is_public(operation) {
        html.push_str("<p class=\"note\">Nobody needs to be signed in.</p>");
    }
    html.push_str(&parameters(operation));
    if let Some((content_type, body)) = request_body(document, operation) {
        let _ = write!(html, "<h4>Body ({})</h4>{}", escape(content_type), pretty(&body));
    }
    html.push_str(&responses(document, operation));
    let curl = curl(document, public_url, &method, path, operation);
    let _ = write!(html, "<h4>Try it</h4><pre tabindex=\"0\"><code>{}</code></pre></article>", escape(&curl));
    html
}

/// `security: [{}]`: none needed.
fn is_public(operation: &Value) -> bool {
    operation["security"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty)))
}

fn parameters(operation: &Value) -> String {
    let mut rows = String::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let text = |key: &str| parameter[key].as_str().unwrap_or_default();
        let needed = if parameter["required"] == true { "required" } else { "optional" };
        let (name, place, what) = (escape(text("name")), escape(text("in")), inline(text("description")));
        let _ = write!(rows, "<tr><td><code>{name}</code></td><td>{place}, {needed}</td><td>{what}</td></tr>");
    }
    if rows.is_empty() {
        return rows;
    }
    format!("<table><thead><tr><th>Parameter</th><th>Where</th><th>What</th></tr></thead><tbody>{rows}</tbody></table>")
}

/// Content type and example of the body.
fn request_body<'a>(document: &Value, operation: &'a Value) -> Option<(&'a str, Value)> {
    let (content_type, content) = operation["requestBody"]["content"].as_object()?.iter().next()?;
    Some((content_type, example::of(document, &content["schema"])))
}

fn responses(document: &Value, operation: &Value) -> String {
    let mut html = String::new();
    for (status, response) in operation["responses"].as_object().into_iter().flatten().filter(|(s, _)| *s != "default")
    {
        let description = inline(response["description"].as_str().unwrap_or_default());
        let _ = write!(html, "<h4>Answer {}</h4><p>{description}</p>", escape(status));
        if let Some((content_type, content)) = response["content"].as_object().and_then(|all| all.iter().next())
            && content_type == "application/json"
        {
            html.push_str(&pretty(&example::of(document, &content["schema"])));
        }
    }
    html
}

fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("<details><summary>Example</summary><pre tabindex=\"0\"><code>{}</code></pre></details>", escape(&text))
}

fn curl(document: &Value, public_url: &str, method: &str, path: &str, operation: &Value) -> String {
    let path = path
        .replace('{', "$")
        .replace('}', "")
        .replace("$id", "$ID")
        .replace("$version", "$VERSION")
        .replace("$name", "php");
    let mut command = if method == "GET" { "curl".to_owned() } else { format!("curl -X {method}") };
    let _ = write!(command, " {public_url}{path}");
    if !is_public(operation) {
        command.push_str(" \\\n  -H \"Authorization: Bearer $AERIE_TOKEN\"");
    }
    match request_body(document, operation) {
        Some(("multipart/form-data", _)) => command.push_str(" \\\n  -F file=@shop.zip -F note='First version'"),
        Some((_, body)) => {
            let _ = write!(command, " \\\n  --json '{body}'");
        }
        None => {}
    }
    command
}
