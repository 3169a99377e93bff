//! Volumes: made, given to services, put into the trash and taken out of it.

use crate::support::App;
use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};
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

#[sqlx::test(migrations = "../../migrations")]
async fn files_are_uploaded_listed_downloaded_and_removed(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let made = ada.post("/api/v1/applications", json!({"name": "shop"})).await.expect(201);
    let volumes = format!("/api/v1/applications/{}/volumes", made["id"].as_str().unwrap());
    let volume = ada.post(&volumes, json!({"name": "uploads"})).await.expect(201);
    let id = volume["id"].as_str().unwrap().to_owned();
    let files = |path: &str| format!("/api/v1/volumes/{id}/files?path={path}");
    let content = |path: &str| format!("/api/v1/volumes/{id}/content?path={path}");
    assert_eq!(ada.get(&files("")).await.expect(200)["entries"], json!([]));
    let put = async |path: &str, body: &str| {
        ada.send(ada.request(Method::PUT, &content(path), Body::from(body.to_owned()))).await
    };
    let entry = put("a%20b/one.txt", "first").await.expect(201);
    assert_eq!((&entry["name"], &entry["size_bytes"]), (&json!("one.txt"), &json!(5)), "{entry}");
    put("two.txt", "").await.expect(201);
    for path in ["", "..%2Fx", "a%20b%2F..%2F..", "a%0Ab"] {
        put(path, "x").await.refused(422, "invalid_input");
    }
    put("a%20b", "x").await.refused(409, "conflict");
    let listed = ada.get(&files("")).await.expect(200);
    let names: Vec<_> =
        listed["entries"].as_array().unwrap().iter().map(|entry| (&entry["kind"], &entry["name"])).collect();
    assert_eq!(names, [(&json!("folder"), &json!("a b")), (&json!("file"), &json!("two.txt"))]);
    let file = ada.get(&content("a%20b%2Fone.txt")).await;
    assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "first"));
    ada.get(&content("a%20b")).await.refused(409, "conflict");
    ada.get(&content("missing")).await.refused(404, "not_found");
    ada.get(&files("missing")).await.refused(404, "not_found");

    // the page shows them, takes some more and leads back to where they are
    let browser = app.browser("ada").await;
    let page = browser.get(&format!("/volumes/{id}/files?path=a%20b")).await;
    assert!(page.status.is_success() && page.text.contains("one.txt") && page.text.contains("5 B"), "{}", page.text);
    let form = concat!(
        "--cut-here\r\nContent-Disposition: form-data; name=\"folder\"\r\n\r\na b\r\n",
        "--cut-here\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p/../three.txt\"\r\n\r\nthird\r\n",
        "--cut-here--\r\n",
    );
    let browser = browser.with("accept", "text/html").with("content-type", "multipart/form-data; boundary=cut-here");
    let upload = browser.request(Method::POST, &format!("/volumes/{id}/upload"), Body::from(form));
    let sent = browser.send(upload).await;
    assert_eq!(sent.status.as_u16(), 303, "{}", sent.text);
    assert_eq!(sent.headers[header::LOCATION].to_str().unwrap(), format!("/volumes/{id}/files?path=a+b"));
    assert_eq!(ada.get(&content("a%20b%2Fthree.txt")).await.text, "third");

    ada.delete(&files("")).await.refused(422, "invalid_input");
    ada.delete(&files("a%20b")).await.expect(204);
    ada.delete(&files("a%20b")).await.refused(404, "not_found");
    ada.delete(&format!("/api/v1/volumes/{id}")).await.expect(204);
    ada.get(&files("")).await.refused(409, "conflict");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_service_keeps_can_be_limited_and_is_never_lost_in_passing(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let made = ada.post("/api/v1/applications", json!({"name": "shop"})).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let (application, volumes) = (format!("/api/v1/applications/{id}"), format!("/api/v1/applications/{id}/volumes"));
    let keeper = ada.post(&format!("{application}/services"), json!({"kind": "files"})).await.expect(201);
    let address = |volume: &Value| format!("/api/v1/volumes/{}", volume["id"].as_str().unwrap());
    let form = json!({"name": "uploads", "kept_by": keeper["id"], "quota_mib": 4});
    let uploads = address(&ada.post(&volumes, form).await.expect(201));

    // the limit goes up, away and down; what lies on the host has none
    for (wanted, told) in [(16, json!(16)), (0, json!(null)), (2, json!(2))] {
        let changed = ada.patch(&uploads, json!({"quota_mib": wanted})).await.expect(200);
        assert_eq!(changed["quota_mib"], told, "{changed}");
    }
    ada.patch(&uploads, json!({"quota_mib": -1})).await.refused(422, "invalid_input");
    let plain = address(&ada.post(&volumes, json!({"name": "plain"})).await.expect(201));
    ada.patch(&plain, json!({"quota_mib": 4})).await.refused(422, "invalid_input");

    // a copy is kept by the same service, with the same limit; a trash is a matter of one application
    let copy = ada.post(&format!("{uploads}/snapshot"), json!({"name": "copy"})).await.expect(201);
    assert_eq!((&copy["kept_by"]["id"], &copy["quota_mib"]), (&keeper["id"], &json!(2)), "{copy}");
    ada.delete(&uploads).await.expect(204);
    let other = ada.post("/api/v1/applications", json!({"name": "other"})).await.expect(201);
    let into = json!({"application_id": other["id"]});
    let refused = ada.post(&format!("{uploads}/restore"), into).await.refused(422, "invalid_input");
    assert_eq!(refused["errors"][0]["field"], "application_id", "{refused}");
    let back = ada.post(&format!("{uploads}/restore"), json!({})).await.expect(200);
    assert_eq!((&back["removed_at"], &back["kept_by"]["name"]), (&json!(null), &json!("files")), "{back}");
    ada.delete(&uploads).await.expect(204);
    let service = format!("/api/v1/services/{}", keeper["id"].as_str().unwrap());
    let refused = ada.delete(&service).await.refused(409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("uploads (in the trash)"), "{refused}");

    // with the application they go for good, so they have to be named: the page does so
    for losing in ["", "?losing=copy", "?losing=copy,upload"] {
        let refused = ada.delete(&format!("{application}{losing}")).await.refused(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("trash: copy,uploads."), "{refused}");
    }
    let browser = app.browser("ada").await;
    let page = browser.get(&format!("/applications/{id}")).await.text;
    assert!(page.contains("What is on copy and uploads is kept") && page.contains("value=\"copy,uploads\""), "{page}");
    let page = browser.get(&format!("/applications/{}", other["id"].as_str().unwrap())).await.text;
    assert!(page.contains("Its volumes go to your trash") && !page.contains("goes with them for good"), "{page}");
    ada.delete(&format!("{application}?losing=copy,uploads")).await.expect(204);
    assert_eq!(ada.get(&application).await.expect(200)["deleting"], true);
}
