//! Credit and administration through the real router: REST and pages.

use crate::support::{App, Client};
use serde_json::json;
use sqlx::PgPool;

/// A person who looks after the installation, with a token and as a browser.
async fn dean(app: &App) -> (Client<'_>, Client<'_>) {
    let token = app.user("dean").await;
    sqlx::query("update users set role = 'admin' where name = 'dean'").execute(app.state.store.pool()).await.unwrap();
    (token, app.browser("dean").await)
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_see_their_credit_and_admins_grant_it(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (dean, _) = dean(&app).await;
    let credits = ada.get("/api/v1/me/credits").await.expect(200);
    assert_eq!((&credits["credit"]["balance"], &credits["credit"]["level"]), (&json!(50_000), &json!("fine")));
    let found = dean.get("/api/v1/admin/users?text=ada").await.expect(200);
    let id = found["items"][0]["user"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/admin/users/{id}");
    let problem = dean.post(&format!("{path}/grants"), json!({"amount": 0, "reason": ""})).await;
    assert_eq!(problem.refused(422, "invalid_input")["errors"].as_array().map(Vec::len), Some(2));
    let person = dean.post(&format!("{path}/grants"), json!({"amount": 2500, "reason": "sheet 2"})).await.expect(200);
    assert_eq!(person["credit"]["balance"], 52_500);
    let entries = ada.get("/api/v1/me/credits/entries?limit=1").await.expect(200);
    assert_eq!(entries["items"][0]["what"], "sheet 2");
    assert_eq!(entries["items"][0]["amount"], 2_500_000);
    assert!(entries["next"].is_string());
    dean.get(&format!("{path}/entries")).await.expect(200);
    dean.post(&format!("{path}/disable"), json!({})).await.expect(200);
    ada.get("/api/v1/me").await.refused(401, "not_signed_in");
    dean.post(&format!("{path}/enable"), json!({})).await.expect(200);
    let audit = dean.get("/api/v1/admin/audit?action=user.&actor=dean").await.expect(200);
    assert_eq!(audit["items"][2]["detail"]["reason"], "sheet 2", "{audit}");
    assert!(dean.get("/api/v1/admin/health").await.expect(200)["work"]["services"].as_u64().unwrap() >= 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn announcements_come_and_go(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (dean, _) = dean(&app).await;
    let until = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
    let until = until.format(&time::format_description::well_known::Rfc3339).unwrap();
    let form = json!({"text": "Maintenance <b>soon</b>", "until_at": until});
    ada.post("/api/v1/admin/announcements", form.clone()).await.refused(404, "not_found");
    let made = dean.post("/api/v1/admin/announcements", form).await.expect(201);
    assert_eq!(ada.get("/api/v1/announcements").await.expect(200)["items"][0]["text"], "Maintenance <b>soon</b>");
    let page = app.anybody().get("/login").await;
    assert!(page.text.contains("Maintenance &lt;b&gt;soon"), "everybody sees it, as text: {}", page.text);
    let path = format!("/api/v1/admin/announcements/{}", made["id"].as_str().unwrap());
    assert_eq!(dean.delete(&path).await.status, 204);
    assert!(!app.anybody().get("/login").await.text.contains("Maintenance"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn pages_of_admins_are_theirs_alone_and_work_without_scripts(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let browser = app.browser("ada").await;
    let (_, dean) = dean(&app).await;
    assert!(browser.get("/account/credits").await.text.contains("Initial credit"));
    let pages = ["", "/users", "/applications", "/audit", "/announcements"].map(|end| format!("/admin{end}"));
    for page in &pages {
        assert_eq!(browser.get(page).await.status, 404, "{page}");
        let shown = dean.get(page).await;
        assert_eq!(shown.status, 200, "{page}: {}", shown.text);
    }
    assert!(!browser.get("/").await.text.contains("/admin") && dean.get("/").await.text.contains("href=\"/admin\""));
    let id = app.state.store.user_by_login("ada").await.unwrap().unwrap().id;
    let page = format!("/admin/users/{id}");
    assert!(dean.get(&page).await.text.contains("Grant credit"));
    let form = format!("user={id}&amount=2.5&reason=sheet+2");
    assert_eq!(browser.form("/fn/grant_credit", &form).await.status, 404);
    let answer = dean.clone().with("accept", "text/html").form("/fn/grant_credit", &form).await;
    assert_eq!((answer.status.as_u16(), answer.headers["location"].to_str().unwrap()), (303, page.as_str()));
    assert!(dean.get(&page).await.text.contains("sheet 2"));

    ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
    let page = format!("/services/{service}");
    let shown = dean.get(&page).await.text;
    assert!(shown.contains("administrator") && shown.contains("/fn/admin_stop_service"), "{shown}");
    assert!(!shown.contains("/fn/delete_service") && !shown.contains("/fn/scale_service"), "nothing else");
    assert_eq!(dean.form("/fn/admin_stop_service", &format!("service={service}")).await.status, 200);
    assert!(browser.get(&page).await.text.contains("Stopped by an administrator"));
}
