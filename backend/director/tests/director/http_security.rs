//! What holds for every request.

use crate::support::App;
use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn every_answer_has_the_headers(pool: PgPool) {
    let app = App::start(pool).await;
    let mut nonces = Vec::new();
    for path in ["/healthz", "/api/v1/kinds", "/api/v1/me", "/login", "/no/such/page", "/static/none.css", "/api/docs"]
    {
        let answer = app.anybody().with("accept", "text/html").get(path).await;
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let policy = header("content-security-policy");
        for part in
            ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "'strict-dynamic'", "object-src 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(!header("x-request-id").is_empty() && !header("permissions-policy").is_empty(), "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        nonces.push(policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned());
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 7, "each answer has a nonce of its own");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_page_carries_the_nonce_of_its_header(pool: PgPool) {
    let app = App::start(pool).await;
    let answer = app.anybody().with("accept", "text/html").get("/login").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(answer.text.contains(&format!("nonce=\"{nonce}\"")), "{}", answer.text);
}

#[sqlx::test(migrations = "../../migrations")]
async fn other_sites_cannot_use_a_browser(pool: PgPool) {
    let app = App::start(pool).await;
    app.user("ada").await;
    let browser = app.browser("ada").await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://blog.ada.localhost:7780"),
        ("origin", "null"),
    ] {
        let forged = browser.clone().with(name, value);
        forged.post("/api/v1/applications", json!({"name": "forged"})).await.refused(403, "not_allowed");
        forged.form("/fn/log_out", "").await.refused(403, "not_allowed");
    }
    assert_eq!(browser.get("/api/v1/applications").await.expect(200)["items"], json!([]));
    let own = browser.clone().with("origin", "http://localhost:7700").with("sec-fetch-site", "same-origin");
    own.post("/api/v1/applications", json!({"name": "mine"})).await.expect(201);
}

#[sqlx::test(migrations = "../../migrations")]
async fn other_host_names_get_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    for host in ["evil.example", "localhost.evil.example:7700", "blog.ada.localhost"] {
        let answer = app.anybody().with("host", host).get("/api/v1/kinds").await;
        assert_eq!(answer.status, 421, "{host}");
        let page = app.anybody().with("host", host).with("accept", "text/html").get("/login").await;
        assert_eq!(page.status, 421, "{host}");
        assert!(page.text.contains("Not the host you asked for"), "{}", page.text);
    }
    for host in ["localhost:7700", "127.0.0.1:7700", "[::1]:7700", "LOCALHOST"] {
        assert_eq!(app.anybody().with("host", host).get("/api/v1/kinds").await.status, 200, "{host}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn bodies_are_limited_even_without_a_length(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::convert::Infallible>(vec![b' '; 8 * 1024]));
    let mut request = ada.request(Method::POST, "/api/v1/applications", Body::from_stream(endless));
    request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    ada.send(request).await.refused(413, "too_large");
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_get_a_page_and_programs_get_details(pool: PgPool) {
    let app = App::start(pool).await;
    let page = app.anybody().with("accept", "text/html").get("/no/such/page").await;
    assert_eq!(page.status, 404);
    assert!(page.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    app.anybody().with("accept", "text/html").get("/api/v1/nothing").await.refused(404, "not_found");
    app.anybody().get("/static/../Cargo.toml").await.refused(404, "not_found");
}
