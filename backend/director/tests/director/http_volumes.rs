//! Volumes: made, given to services, put into the trash and taken out of it.

use crate::support::App;
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn a_volume_is_given_to_a_service_and_cannot_be_deleted_meanwhile(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let site = ada.php("shop").await;
    let view = ada.get(&format!("/api/v1/services/{site}")).await.expect(200);
    assert_eq!((&view["volumes"]["folder"], &view["volumes"]["volumes"]), (&json!("/data"), &json!([])));
    let application = view["application_id"].as_str().unwrap().to_owned();
    let volumes = format!("/api/v1/applications/{application}/volumes");
    ada.post(&volumes, json!({"name": "Not a name"})).await.refused(422, "invalid_input");
    ada.post(&volumes, json!({"name": "uploads", "warn_mib": 0})).await.refused(422, "invalid_input");
    let made = ada.post(&volumes, json!({"name": "uploads", "note": "pictures"})).await.expect(201);
    ada.post(&volumes, json!({"name": "uploads"})).await.refused(422, "invalid_input");
    let id = made["id"].as_str().unwrap().to_owned();

    let given = format!("/api/v1/services/{site}/volumes/{id}");
    for path in ["/etc", "/data", "/data/../etc", "/data/a b", "relative"] {
        ada.put(&given, json!({ "path": path })).await.refused(422, "invalid_input");
    }
    ada.put(&given, json!({"read_only": true})).await.expect(202);
    let view = ada.get(&format!("/api/v1/services/{site}")).await.expect(200);
    let used = &view["volumes"]["volumes"][0];
    assert_eq!((&used["path"], &used["attached"]), (&json!("/data/uploads"), &json!(true)), "{view}");
    // another one must not hide it
    let other = ada.post(&volumes, json!({"name": "other"})).await.expect(201);
    let other = format!("/api/v1/services/{site}/volumes/{}", other["id"].as_str().unwrap());
    ada.put(&other, json!({"path": "/data/uploads/inner"})).await.refused(422, "invalid_input");
    // a kind that takes none
    let path = format!("/api/v1/applications/{application}/services");
    let db = ada.post(&path, json!({"kind": "mysql", "name": "db"})).await.expect(201);
    let to_db = format!("/api/v1/services/{}/volumes/{id}", db["id"].as_str().unwrap());
    ada.put(&to_db, json!({})).await.refused(409, "conflict");

    let address = format!("/api/v1/volumes/{id}");
    let refused = ada.delete(&address).await.refused(409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("used by php"), "{refused}");
    let renamed = ada.patch(&address, json!({"name": "pictures"})).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["used_by"][0]["path"]), (&json!("pictures"), &json!("/data/uploads")));
    ada.delete(&given).await.expect(202);
    ada.delete(&given).await.refused(404, "not_found");
    ada.delete(&address).await.expect(204);
    ada.delete(&address).await.refused(409, "conflict");

    let trash = ada.get("/api/v1/me/trash").await.expect(200);
    assert_eq!(trash[0]["name"], "pictures", "{trash}");
    let eve = app.user("eve").await;
    assert_eq!(eve.get("/api/v1/me/trash").await.expect(200), json!([]));
    let restore = format!("{address}/restore");
    eve.post(&restore, json!({})).await.refused(404, "not_found");
    let back = ada.post(&restore, json!({})).await.expect(200);
    assert_eq!((&back["removed_at"], &back["application"]), (&json!(null), &json!("shop")));
    let copy = ada.post(&format!("{address}/snapshot"), json!({"name": "copy"})).await.expect(201);
    assert_eq!(copy["state"], "copying");
    let copy = format!("/api/v1/services/{site}/volumes/{}", copy["id"].as_str().unwrap());
    ada.put(&copy, json!({})).await.refused(409, "conflict");
}

#[sqlx::test(migrations = "../../migrations")]
async fn volumes_outlive_their_application_in_the_trash(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let made = ada.post("/api/v1/applications", json!({"name": "old"})).await.expect(201);
    let old = made["id"].as_str().unwrap().to_owned();
    let volume = ada.post(&format!("/api/v1/applications/{old}/volumes"), json!({"name": "kept"})).await.expect(201);
    ada.delete(&format!("/api/v1/applications/{old}")).await.expect(204);
    let restore = format!("/api/v1/volumes/{}/restore", volume["id"].as_str().unwrap());
    ada.post(&restore, json!({})).await.refused(422, "invalid_input");
    let made = ada.post("/api/v1/applications", json!({"name": "new"})).await.expect(201);
    let back = ada.post(&restore, json!({"application_id": made["id"]})).await.expect(200);
    assert_eq!(back["application"], "new");
    // its page and that of the trash are there without scripts
    let browser = app.browser("ada").await;
    let page = browser.get(&format!("/volumes/{}", volume["id"].as_str().unwrap())).await;
    assert!(page.status.is_success() && page.text.contains("Move to the trash"), "{}", page.text);
    let page = browser.get("/trash").await;
    assert!(page.status.is_success() && page.text.contains("The trash is empty."), "{}", page.text);
    let page = browser.get(&format!("/applications/{}", made["id"].as_str().unwrap())).await;
    assert!(page.text.contains("kept") && page.text.contains("Create volume"), "{}", page.text);
}
