//! Applications: create, list in pages, rename, remove; and nothing of it for others.

use crate::support::App;
use axum::http::header;
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn an_application_lives_its_life(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let answer = ada.post("/api/v1/applications", json!({"name": "blog"})).await;
    let location = answer.headers[header::LOCATION].to_str().unwrap().to_owned();
    let made = answer.expect(201);
    assert_eq!(location, format!("/api/v1/applications/{}", made["id"].as_str().unwrap()));
    assert_eq!(ada.get(&location).await.expect(200)["name"], "blog");
    assert_eq!(ada.patch(&location, json!({"name": "shop"})).await.expect(200)["name"], "shop");
    ada.post("/api/v1/applications", json!({"name": "shop"})).await.refused(422, "invalid_input");
    assert_eq!(ada.delete(&location).await.status, 204);
}

#[sqlx::test(migrations = "../../migrations")]
async fn others_get_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let service = ada.php("blog").await;
    let list = ada.get("/api/v1/applications").await.expect(200);
    let application = list["items"][0]["id"].as_str().unwrap();
    assert_eq!(eve.get("/api/v1/applications").await.expect(200)["items"], json!([]));
    for path in [
        format!("/api/v1/applications/{application}"),
        format!("/api/v1/applications/{application}/services"),
        format!("/api/v1/services/{service}"),
        format!("/api/v1/services/{service}/versions"),
        format!("/api/v1/services/{service}/operations"),
        format!("/api/v1/services/{service}/instances"),
        format!("/api/v1/services/{service}/logs"),
        format!("/api/v1/services/{service}/logs/stream"),
    ] {
        eve.get(&path).await.refused(404, "not_found");
    }
    eve.delete(&format!("/api/v1/applications/{application}")).await.refused(404, "not_found");
    eve.delete(&format!("/api/v1/services/{service}")).await.refused(404, "not_found");
    eve.post(&format!("/api/v1/services/{service}/start"), json!({})).await.refused(404, "not_found");
    eve.put(&format!("/api/v1/services/{service}/scale"), json!({"roles": {"php": 2}})).await.refused(404, "not_found");
}

#[sqlx::test(migrations = "../../migrations")]
async fn long_lists_come_in_parts(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    for name in ["one", "two", "three"] {
        ada.post("/api/v1/applications", json!({"name": name})).await.expect(201);
    }
    let mut names = Vec::new();
    let mut path = "/api/v1/applications?limit=2".to_owned();
    for parts in 1.. {
        let page = ada.get(&path).await.expect(200);
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            assert_eq!(parts, 2);
            break;
        };
        path = format!("/api/v1/applications?limit=2&after={next}");
    }
    names.sort();
    assert_eq!(names, ["one", "three", "two"]);
    ada.get("/api/v1/applications?limit=many").await.refused(400, "malformed_request");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_cannot_be_read_is_explained(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let problem = ada.post("/api/v1/applications", json!({})).await.refused(400, "malformed_request");
    assert_eq!(problem["errors"][0]["field"], "name", "{problem}");
    let problem = ada.post("/api/v1/applications", json!({"name": "No Spaces"})).await.refused(422, "invalid_input");
    assert_eq!(problem["errors"][0]["field"], "name", "{problem}");
    ada.form("/api/v1/applications", "name=blog").await.refused(400, "malformed_request");
    ada.get("/api/v1/applications/not-an-id").await.refused(404, "not_found");
    ada.get("/api/v1/nothing/here").await.refused(404, "not_found");
    ada.patch("/api/v1/me", json!({})).await.refused(405, "method_not_allowed");
    ada.post("/api/v1/applications", json!({"name": "x".repeat(70_000)})).await.refused(413, "too_large");
}
