//! Every page: usable by everybody (axe-core finds nothing serious), in light and dark, wide and on a phone.
//! Keeps pictures in `target/test/pictures` for people to look at.

use aerie_domain::{ServiceState, views::ServiceView};
use aerie_tests::{Browser, Installation, Sample, Scripts, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

const AXE: &str = include_str!("../vendor/axe-core/axe.min.js");

#[tokio::test]
async fn every_page_is_usable_by_everybody() -> Result<()> {
    let home = Installation::start("pages").await?;
    let ada = home.api().register("ada").await?;
    let service = ada.application_with("blog", "php").await?;
    let id = service.summary.id;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let version = ada.upload(id, "guest-book.tar.gz", Sample::guest_book("one").tar_gz()?).await?;
    ada.accepted(Method::POST, &format!("/services/{id}/activate"), Some(json!({ "version_id": version.id }))).await?;
    ada.accepted(Method::PUT, &format!("/services/{id}/scale"), Some(json!({ "roles": { "php": 2 } }))).await?;
    ada.json::<Value>(Method::POST, "/applications", Some(json!({ "name": "empty" }))).await?;
    ada.wait_state(id, ServiceState::Running).await?;
    // So that the graphs have lines and the load generator a result.
    let run = json!({ "rate": 20, "seconds": 2, "path": "/" });
    ada.json::<Value>(Method::POST, &format!("/services/{id}/load-runs"), Some(run)).await?;
    tokio::time::sleep(Duration::from_secs(12)).await;

    let application = service.summary.application_id;
    let form = json!({ "kind": "mysql", "name": "db" });
    let path = format!("/applications/{application}/services");
    let db = ada.json::<ServiceView>(Method::POST, &path, Some(form)).await?.summary.id;
    ada.accepted(Method::PUT, &format!("/services/{id}/bindings/{db}"), Some(json!({}))).await?;

    let form = json!({ "kind": "generic", "name": "lab" });
    let lab = ada.json::<ServiceView>(Method::POST, &path, Some(form)).await?.summary.id;
    ada.accepted(Method::POST, &format!("/services/{lab}/start"), None).await?;
    for (action, values) in [("run", json!({ "parameters": "1000" })), ("cleanup", json!({}))] {
        let path = format!("/services/{lab}/actions");
        ada.json::<Value>(Method::POST, &format!("{path}/{action}"), Some(json!({ "values": values }))).await?;
        until("the action to end", Duration::from_secs(30), || async {
            let view: Value = ada.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
            let state = view["runs"][0]["results"][0]["state"].clone();
            if state == "ended" { Ok(()) } else { Err(state.to_string()) }
        })
        .await?;
    }

    let volumes = format!("/applications/{application}/volumes");
    let mut ids = Vec::new();
    for name in ["uploads", "old-uploads"] {
        let volume: Value = ada.json(Method::POST, &volumes, Some(json!({ "name": name }))).await?;
        ids.push(volume["id"].as_str().context("a volume has an id")?.to_owned());
    }
    ada.send(Method::DELETE, &format!("/volumes/{}", ids[1]), None).await?.error_for_status()?;

    let browser = Browser::open(&home.url(), Scripts::On).await?;
    let before = ["/".to_owned(), "/login".to_owned(), "/register".to_owned(), "/api/docs".to_owned()];
    let after = [
        "/applications".to_owned(),
        format!("/applications/{application}"),
        format!("/applications/{application}/new-service"),
        format!("/services/{id}"),
        format!("/services/{id}/logs"),
        format!("/services/{db}"),
        format!("/services/{lab}"),
        format!("/services/{db}/access"),
        format!("/volumes/{}", ids[0]),
        "/trash".to_owned(),
        "/account".to_owned(),
        "/account/credits".to_owned(),
        "/no-such-page".to_owned(),
    ];
    let mut faults = Vec::new();
    for path in before {
        faults.extend(look(&browser, &path).await.with_context(|| path.clone())?);
    }
    browser.pretend(1280, 1000, false).await?;
    browser.go("/login").await?;
    browser.fill("#field-user_name", "ada").await?;
    browser.fill("#field-password", "correct horse battery").await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("credits", Duration::from_secs(20)).await?;
    for path in after {
        faults.extend(look(&browser, &path).await.with_context(|| path.clone())?);
    }

    let found: Value = home.admin().await?.json(Method::GET, "/admin/users?text=ada", None).await?;
    let person = found["items"][0]["user"]["id"].as_str().context("ada is found")?.to_owned();
    let text = json!({ "text": "Maintenance on Friday", "until_at": "2999-01-01T00:00:00Z" });
    home.admin().await?.json::<Value>(Method::POST, "/admin/announcements", Some(text)).await?;
    browser.pretend(1280, 1000, false).await?;
    browser.driver().delete_all_cookies().await?;
    browser.go("/login").await?;
    browser.fill("#field-user_name", "teacher").await?;
    browser.fill("#field-password", &home.admin_password()?).await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("Admin", Duration::from_secs(20)).await?;
    let admins = [
        "/admin".to_owned(),
        "/admin/users".to_owned(),
        format!("/admin/users/{person}"),
        "/admin/applications".to_owned(),
        "/admin/audit".to_owned(),
        "/admin/announcements".to_owned(),
        format!("/services/{id}"),
    ];
    for path in admins {
        faults.extend(look(&browser, &path).await.with_context(|| path.clone())?);
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    browser.close().await
}

/// Looks at a page as four people would; gives what is wrong with it.
async fn look(browser: &Browser, path: &str) -> Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test/pictures");
    fs::create_dir_all(&folder)?;
    let mut faults = Vec::new();
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        browser.pretend(width, 900, dark).await?;
        if path.starts_with("/api/") {
            browser.driver().goto(format!("{}{path}", browser.home())).await?;
        } else {
            browser.go(path).await?;
        }
        tokio::time::sleep(Duration::from_millis(600)).await;
        let name = path.trim_matches('/').split('/').filter(|part| part.len() < 30).collect::<Vec<_>>().join("-");
        let (name, scheme) = (if name.is_empty() { "home" } else { &name }, if dark { "dark" } else { "light" });
        browser.picture(&folder.join(format!("{name}-{width}-{scheme}.png"))).await?;
        let wide = browser.driver().execute("return document.documentElement.scrollWidth", Vec::new()).await?;
        if wide.json().as_i64().is_none_or(|wide| wide > i64::from(width)) {
            faults.push(format!("{path} at {width}: scrolls sideways ({})", wide.json()));
        }
        browser.driver().execute(AXE, Vec::new()).await?;
        let found = browser
            .driver()
            .execute_async(
                "const done = arguments[arguments.length - 1]; axe.run().then((r) => done(r.violations), (e) => done([{id: String(e), impact: 'serious', nodes: []}]));",
                Vec::new(),
            )
            .await?;
        for violation in found.json().as_array().into_iter().flatten() {
            if matches!(violation["impact"].as_str(), Some("serious" | "critical")) {
                let node = &violation["nodes"][0];
                faults.push(format!(
                    "{path} at {width} {scheme}: {} — {} — {}",
                    violation["id"], violation["help"], node["html"]
                ));
            }
        }
    }
    Ok(faults)
}
