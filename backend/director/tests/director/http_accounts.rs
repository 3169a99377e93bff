//! Registering, logging in by password and by form, tokens and sessions.

use crate::support::{App, PASSWORD};
use aerie_domain::{TokenId, TokenScope};
use aerie_store::NewToken;
use axum::http::header;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_registers_and_uses_the_api(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let me = ada.get("/api/v1/me").await.expect(200);
    assert_eq!(me["user"]["name"], "ada");
    assert_eq!(me["user"]["role"], "user");

    let again = json!({"user_name": "ada", "email": "x@example.org", "password": PASSWORD, "password_again": PASSWORD});
    let problem = app.anybody().post("/api/v1/users", again).await.refused(422, "invalid_input");
    assert_eq!(problem["errors"][0]["field"], "user_name");
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_not_signed_in_is_told_how(pool: PgPool) {
    let app = App::start(pool).await;
    for client in [app.anybody(), app.with_token("aerie_nonsense"), app.with_token("")] {
        let answer = client.get("/api/v1/me").await;
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
        let problem = answer.refused(401, "not_signed_in");
        assert!(problem["request_id"].as_str().is_some_and(|id| id.len() == 32), "{problem}");
    }
    let wrong = json!({"user_name": "nobody", "password": "wrong password"});
    app.anybody().post("/api/v1/login", wrong).await.refused(401, "wrong_credentials");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_that_may_only_read_changes_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let user = ada.get("/api/v1/me").await.expect(200)["user"]["id"].as_str().unwrap().parse().unwrap();
    let secret = "aerie_read-only-token-of-a-test";
    let token = NewToken {
        id: TokenId::generate(),
        user_id: user,
        name: "reader".to_owned(),
        prefix: "aerie_read".to_owned(),
        secret_hash: Sha256::digest(secret).to_vec(),
        scope: TokenScope::Read,
        expires_at: time::OffsetDateTime::now_utc() + time::Duration::HOUR,
    };
    let mut txn = app.state.store.begin().await.unwrap();
    txn.token_insert(&token).await.unwrap();
    txn.commit().await.unwrap();

    let reader = app.with_token(secret);
    reader.get("/api/v1/applications").await.expect(200);
    reader.post("/api/v1/applications", json!({"name": "blog"})).await.refused(403, "not_allowed");
    // Tokens cannot make tokens, whatever their scope.
    let form = json!({"name": "more", "scope": "write", "expires_in_days": 1});
    ada.post("/api/v1/me/tokens", form).await.refused(403, "not_allowed");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_browser_signs_in_makes_a_token_and_out(pool: PgPool) {
    let app = App::start(pool).await;
    app.user("ada").await;
    let browser = app.browser("ada").await;
    browser.get("/api/v1/me").await.expect(200);
    let sessions = browser.get("/api/v1/me/sessions").await.expect(200);
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "{sessions}");
    assert_eq!(sessions["items"][0]["current"], true, "{sessions}");

    let form = json!({"name": "laptop", "scope": "write", "expires_in_days": 7});
    let made = browser.post("/api/v1/me/tokens", form).await.expect(201);
    let token = app.with_token(made["secret"].as_str().unwrap());
    token.get("/api/v1/me").await.expect(200);
    let path = format!("/api/v1/me/tokens/{}", made["token"]["id"].as_str().unwrap());
    assert_eq!(browser.delete(&path).await.status, 204);
    token.get("/api/v1/me").await.refused(401, "not_signed_in");

    // The session ends where it is listed, and its cookie opens nothing any more.
    let other = app.browser("ada").await;
    let path = format!("/api/v1/me/sessions/{}", sessions["items"][0]["id"].as_str().unwrap());
    assert_eq!(other.delete(&path).await.status, 204);
    browser.get("/api/v1/me").await.refused(401, "not_signed_in");
    other.get("/api/v1/me").await.expect(200);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_cookie_is_kept_from_scripts_and_other_sites(pool: PgPool) {
    let app = App::start(pool).await;
    app.user("ada").await;
    let form = format!("user_name=ada&password={}", PASSWORD.replace(' ', "+"));
    let planted = "aerie_session=AAAAAAAAAAAAAAAAAAAAAA";
    let answer = app.anybody().with("cookie", planted).form("/fn/log_in", &form).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["aerie_session=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part} is missing in {cookie}");
    }
    assert!(!cookie.contains(planted) && !cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn over_https_the_cookie_is_secure(pool: PgPool) {
    let app = App::start_at(pool, "https://cloud.example.org").await;
    app.user("ada").await;
    let form = format!("user_name=ada&password={}", PASSWORD.replace(' ', "+"));
    let answer = app.anybody().with("host", "cloud.example.org").form("/fn/log_in", &form).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-aerie_session=") && cookie.contains("Secure"), "{cookie}");
}
