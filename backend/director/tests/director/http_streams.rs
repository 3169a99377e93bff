//! Events: live, resumed, and ended when the right ends.

use crate::support::App;
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::timeout;

#[sqlx::test(migrations = "../../migrations")]
async fn events_arrive_and_can_be_resumed(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let mut stream = ada.events("/api/v1/events").await;
    let one = ada.post("/api/v1/applications", json!({"name": "one"})).await.expect(201);
    let first = stream.named("application").await;
    assert_eq!(first.data["application_id"], one["id"]);
    drop(stream);

    let two = ada.post("/api/v1/applications", json!({"name": "two"})).await.expect(201);
    let three = ada.post("/api/v1/applications", json!({"name": "three"})).await.expect(201);
    let mut resumed = ada.clone().with("last-event-id", &first.id).events("/api/v1/events").await;
    assert_eq!(resumed.named("application").await.data["application_id"], two["id"], "nothing is lost or repeated");
    assert_eq!(resumed.named("application").await.data["application_id"], three["id"]);
    ada.clone().with("last-event-id", "nonsense!").get("/api/v1/events").await.refused(422, "invalid_input");
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_hears_of_others(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let mut stream = eve.events("/api/v1/events").await;
    ada.post("/api/v1/applications", json!({"name": "secret"})).await.expect(201);
    let own = eve.post("/api/v1/applications", json!({"name": "mine"})).await.expect(201);
    assert_eq!(stream.named("application").await.data["application_id"], own["id"]);
    app.anybody().get("/api/v1/events").await.refused(401, "not_signed_in");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stream_ends_with_its_token_and_with_the_director(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let mut stream = ada.events("/api/v1/events").await;
    let tokens = ada.get("/api/v1/me/tokens").await.expect(200);
    let path = format!("/api/v1/me/tokens/{}", tokens["items"][0]["id"].as_str().unwrap());
    assert_eq!(ada.delete(&path).await.status, 204);
    let end =
        timeout(Duration::from_secs(10), stream.next()).await.expect("a revoked token reads no longer than seconds");
    assert!(end.is_none(), "{end:?}");

    let bob = app.user("bob").await;
    let mut stream = bob.events("/api/v1/events").await;
    app.state.lifecycle.soft().cancel();
    let end = timeout(Duration::from_secs(5), stream.next()).await.expect("streams do not hold up a stop");
    assert!(end.is_none(), "{end:?}");
}
