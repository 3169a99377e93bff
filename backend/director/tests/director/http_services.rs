//! Services: what takes a while is accepted, followed and waited for.

use crate::support::App;
use axum::http::header;
use serde_json::json;
use sqlx::PgPool;
use std::time::{Duration, Instant};

#[sqlx::test(migrations = "../../migrations")]
async fn starting_is_accepted_and_can_be_followed(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let answer = ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await;
    let location = answer.headers[header::LOCATION].to_str().unwrap().to_owned();
    let accepted = answer.expect(202);
    assert_eq!(location, format!("/api/v1/operations/{}", accepted["operation"]["id"].as_str().unwrap()));

    // Nobody manages in this test, so it stays open and the wait lasts as long as asked for.
    let before = Instant::now();
    let operation = ada.get(&format!("{location}?wait=700ms")).await.expect(200);
    assert_eq!(operation["service_id"], service.as_str());
    assert!(operation["ended_at"].is_null(), "{operation}");
    assert!(before.elapsed() >= Duration::from_millis(700));
    ada.get(&format!("{location}?wait=soon")).await.refused(422, "invalid_input");

    let id = service.parse().unwrap();
    let generation = ada.get(&format!("/api/v1/services/{service}")).await.expect(200)["generation"].as_i64().unwrap();
    let mut txn = app.state.store.begin().await.unwrap();
    txn.operations_finish(id, generation).await.unwrap();
    txn.commit().await.unwrap();
    let before = Instant::now();
    let operation = ada.get(&format!("{location}?wait=30s")).await.expect(200);
    assert_eq!(operation["state"], "done", "{operation}");
    assert!(before.elapsed() < Duration::from_secs(10), "an operation that has ended is not waited for");
    let list = ada.get(&format!("/api/v1/services/{service}/operations")).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn counts_and_settings_are_checked(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let scale = format!("/api/v1/services/{service}/scale");
    ada.put(&scale, json!({"roles": {"php": 2}})).await.expect(202);
    let view = ada.get(&format!("/api/v1/services/{service}")).await.expect(200);
    let php = view["roles"].as_array().unwrap().iter().find(|role| role["name"] == "php").unwrap().clone();
    assert_eq!(php["count"], 2, "{view}");
    let problem = ada.put(&scale, json!({"roles": {"php": 1_000}})).await.refused(422, "invalid_input");
    assert!(problem["errors"][0]["field"].as_str().unwrap().contains("php"), "{problem}");
    let problem = ada.put(&scale, json!({"roles": {"php": "two"}})).await.refused(400, "malformed_request");
    assert_eq!(problem["errors"][0]["field"], "roles.php", "{problem}");
    let settings = format!("/api/v1/services/{service}/settings");
    ada.put(&settings, json!({"variables": [{"name": "GREETING", "value": "hello"}]})).await.expect(202);
    ada.put(&settings, json!({"settings": {"no_such_setting": "1"}})).await.refused(422, "invalid_input");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_wait_ends_when_the_director_stops(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let accepted = ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
    let path = format!("/api/v1/operations/{}?wait=30s", accepted["operation"]["id"].as_str().unwrap());
    let stop = app.state.lifecycle.clone();
    let (answer, ()) = tokio::join!(ada.get(&path), async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.soft().cancel();
    });
    assert!(answer.expect(200)["ended_at"].is_null());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_kind_that_cannot_run_here_says_so_and_is_refused(pool: PgPool) {
    let app = App::start_with(pool, "http://localhost:7700", |settings| settings.can_mount = false).await;
    let ada = app.user("ada").await;
    let files = ada.get("/api/v1/kinds/files").await.expect(200);
    let obstacle = files["obstacle"].as_str().unwrap().to_owned();
    assert!(obstacle.contains("mount") && obstacle.contains("in a container"), "{files}");
    assert!(ada.get("/api/v1/kinds/php").await.expect(200)["obstacle"].is_null());
    let application = ada.post("/api/v1/applications", json!({"name": "shop"})).await.expect(201);
    let id = application["id"].as_str().unwrap();
    let services = format!("/api/v1/applications/{id}/services");
    let refused = ada.post(&services, json!({"kind": "files"})).await.refused(409, "conflict");
    assert_eq!(refused["detail"], obstacle.as_str(), "{refused}");
    ada.post(&services, json!({"kind": "php"})).await.expect(201);

    // the page does not let it be chosen, and says why; another kind is chosen all the same
    let page = app.browser("ada").await.get(&format!("/applications/{id}/new-service")).await.text;
    assert!(page.contains(&obstacle), "{page}");
    let disabled = |kind: &str| {
        let value = format!("value=\"{kind}\"");
        let mut boxes = page.split("<input").filter_map(|rest| rest.split('>').next());
        boxes.find(|tag| tag.contains(&value)).unwrap().contains("disabled")
    };
    assert!(disabled("files") && !disabled("php"), "{page}");
}
