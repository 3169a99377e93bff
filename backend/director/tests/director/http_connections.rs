//! Services that use others, and passwords.

use crate::support::{App, Client};
use serde_json::{Value, json};
use sqlx::PgPool;

/// A site and a database in one application; their ids.
async fn shop(ada: &Client<'_>) -> (String, String) {
    let site = ada.php("shop").await;
    let view = ada.get(&format!("/api/v1/services/{site}")).await.expect(200);
    let path = format!("/api/v1/applications/{}/services", view["application_id"].as_str().unwrap());
    let db = ada.post(&path, json!({"kind": "mysql", "name": "db"})).await.expect(201);
    (site, db["id"].as_str().unwrap().to_owned())
}

fn offer<'a>(access: &'a Value, name: &str) -> &'a Value {
    access["offers"].as_array().unwrap().iter().find(|offer| offer["name"] == name).unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_site_is_bound_to_a_database_and_unbound(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (site, db) = shop(&ada).await;
    let binding = format!("/api/v1/services/{site}/bindings/{db}");
    ada.put(&binding, json!({"prefix": "db"})).await.refused(422, "invalid_input");
    ada.put(&binding, json!({})).await.expect(202);
    let view = ada.get(&format!("/api/v1/services/{site}")).await.expect(200);
    let uses = &view["connections"]["uses"][0];
    assert_eq!((&uses["service"]["name"], &uses["prefix"]), (&json!("db"), &json!("DB")), "{view}");
    let refused = ada.delete(&format!("/api/v1/services/{db}")).await.refused(409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("php"), "{refused}");
    let eve = app.user("eve").await;
    eve.put(&binding, json!({})).await.refused(404, "not_found");
    eve.delete(&binding).await.refused(404, "not_found");
    ada.delete(&binding).await.expect(202);
    ada.delete(&binding).await.refused(404, "not_found");
    ada.delete(&format!("/api/v1/services/{db}")).await.expect(202);
}

#[sqlx::test(migrations = "../../migrations")]
async fn passwords_are_shown_to_their_owner_on_a_page_of_their_own(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (_, db) = shop(&ada).await;
    let access = ada.get(&format!("/api/v1/services/{db}/access")).await.expect(200);
    let password = offer(&access, "PASSWORD")["value"].as_str().unwrap().to_owned();
    assert_eq!(offer(&access, "HOST")["value"], "db");
    let command = format!("mariadb --host=db --port=3306 --user=app --password={password} app");
    assert_eq!(offer(&access, "COMMAND")["value"], command.as_str());
    let secrets: Vec<&str> =
        access["secrets"].as_array().unwrap().iter().map(|secret| secret["name"].as_str().unwrap()).collect();
    assert_eq!(secrets, ["password", "root_password"], "internal ones are not shown");

    let browser = app.browser("ada").await;
    let page = browser.get(&format!("/services/{db}")).await;
    assert!(page.status.is_success() && page.text.contains("Address and passwords"), "{}", page.text);
    assert!(!page.text.contains(&password), "not before somebody asks");
    let page = browser.get(&format!("/services/{db}/access")).await;
    assert!(page.text.contains(&password) && page.text.contains(&command), "{}", page.text);
    assert_eq!(page.headers["cache-control"], "no-store", "{:?}", page.headers);

    ada.post(&format!("/api/v1/services/{db}/secrets/password/renew"), json!({})).await.expect(202);
    ada.post(&format!("/api/v1/services/{db}/secrets/control/renew"), json!({})).await.refused(404, "not_found");
    let access = ada.get(&format!("/api/v1/services/{db}/access")).await.expect(200);
    assert_ne!(offer(&access, "PASSWORD")["value"], password.as_str());
    let eve = app.user("eve").await;
    eve.get(&format!("/api/v1/services/{db}/access")).await.refused(404, "not_found");
    eve.post(&format!("/api/v1/services/{db}/secrets/password/renew"), json!({})).await.refused(404, "not_found");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_forms_work_without_scripts(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (site, db) = shop(&ada).await;
    let browser = app.browser("ada").await.with("accept", "text/html");
    let answer = browser.form("/fn/bind_service", &format!("service={site}&other={db}&prefix=SQL")).await;
    assert!(answer.status.is_redirection(), "{} {}", answer.status, answer.text);
    let page = browser.get(&format!("/services/{site}")).await;
    assert!(page.text.contains("SQL_PASSWORD"), "{}", page.text);
    let page = browser.get(&format!("/services/{db}")).await;
    assert!(page.text.contains("uses it and will lose it"), "{}", page.text);
    let answer = browser.form("/fn/delete_service", &format!("service={db}&unbind=on")).await;
    assert!(answer.status.is_redirection(), "{} {}", answer.status, answer.text);
    let view = ada.get(&format!("/api/v1/services/{site}")).await.expect(200);
    assert_eq!(view["connections"]["uses"], json!([]));
}
