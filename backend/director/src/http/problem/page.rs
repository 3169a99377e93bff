//! The page that people get when something is refused before the real pages come into play.

use crate::http::docs::html::escape;
use aerie_domain::Problem;

/// A page of its own, without scripts and without anything from elsewhere.
pub(super) fn render(problem: &Problem, request_id: &str, nonce: &str) -> String {
    let title = escape(&problem.title);
    let detail = escape(&problem.detail);
    let request_id = escape(request_id);
    let status = problem.status;
    format!(
        r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Aerie</title>
<style nonce="{nonce}">
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem; color: #1d2733; background: #f6f8fa }}
small {{ color: #5b6776 }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e6edf3; background: #10161d }} small, a {{ color: #9fb2c6 }} }}
</style></head>
<body><main><h1>{title}</h1><p>{detail}</p><p><a href="/">Back to the start page</a></p>
<p><small>Status {status}, request {request_id}</small></p></main></body></html>
"#
    )
}
