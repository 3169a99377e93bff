//! Every page: usable by everybody (axe-core finds nothing serious), in light and dark, wide and on a phone.
//! Keeps pictures in `target/test/pictures` for people to look at.

use aerie_domain::{ApplicationId, ServiceId, ServiceState, views::ServiceView};
use aerie_tests::{Browser, Installation, Sample, Scripts, Visitor, until};
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
    // It takes its time, so it begins first.
    let keeper = ada.json::<ServiceView>(Method::POST, &path, Some(json!({ "kind": "files" }))).await?.summary.id;
    ada.json::<Value>(Method::POST, &format!("/services/{keeper}/start"), None).await?;
    let db = ada.json::<ServiceView>(Method::POST, &path, Some(form)).await?.summary.id;
    ada.accepted(Method::PUT, &format!("/services/{id}/bindings/{db}"), Some(json!({}))).await?;
    ada.accepted(Method::POST, &format!("/services/{db}/start"), None).await?;
    ada.wait_state(db, ServiceState::Running).await?;
    let backups = format!("/services/{db}/backups");
    ada.json::<Value>(Method::POST, &backups, None).await?;
    until("the backup to be checked", Duration::from_secs(60), || async {
        let kept: Value = ada.json(Method::GET, &backups, None).await.map_err(|error| error.to_string())?;
        let state = kept["items"][0]["state"].clone();
        if state == "ready" { Ok(()) } else { Err(state.to_string()) }
    })
    .await?;

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
    let file = format!("/volumes/{}/content?path=2026/report.json", ids[0]);
    ada.send(Method::PUT, &file, Some(json!({ "visitors": 12 }))).await?.error_for_status()?;
    let attach = format!("/services/{id}/volumes/{}", ids[0]);
    ada.accepted(Method::PUT, &attach, Some(json!({ "path": "/data/uploads" }))).await?;
    let form = json!({ "name": "shared", "kept_by": keeper, "quota_mib": 100 });
    let shared: Value = ada.json(Method::POST, &volumes, Some(form)).await?;
    let shared = shared["id"].as_str().context("a volume has an id")?.to_owned();
    ada.wait_state(keeper, ServiceState::Running).await?;
    let address = ada.wait_state(id, ServiceState::Running).await?.summary.address.context("an address")?;

    let browser = Browser::open(&home.url(), Scripts::On).await?;
    let before = [("home", "/"), ("login", "/login"), ("register", "/register"), ("api-docs", "/api/docs")];
    let after = [
        ("applications", "/applications".to_owned()),
        ("application", format!("/applications/{application}")),
        ("new-service", format!("/applications/{application}/new-service")),
        ("php", format!("/services/{id}")),
        ("logs", format!("/services/{id}/logs")),
        ("mysql", format!("/services/{db}")),
        ("generic", format!("/services/{lab}")),
        ("files-service", format!("/services/{keeper}")),
        ("access", format!("/services/{db}/access")),
        ("volume", format!("/volumes/{}", ids[0])),
        ("kept-volume", format!("/volumes/{shared}")),
        ("files", format!("/volumes/{}/files?path=2026", ids[0])),
        ("trash", "/trash".to_owned()),
        ("account", "/account".to_owned()),
        ("credits", "/account/credits".to_owned()),
        ("missing", "/no-such-page".to_owned()),
    ];
    let mut faults = Vec::new();
    for (name, path) in before {
        faults.extend(look(&browser, name, path).await.context(name)?);
    }
    browser.pretend(1280, 1000, false).await?;
    browser.go("/login").await?;
    browser.fill("#field-user_name", "ada").await?;
    browser.fill("#field-password", "correct horse battery").await?;
    browser.click("main form button[type=submit]").await?;
    browser.see("credits", Duration::from_secs(20)).await?;
    for (name, path) in after {
        faults.extend(look(&browser, name, &path).await.context(name)?);
    }
    browser.pretend(1280, 1000, false).await?;
    see_the_picture(&browser, application, &address).await?;
    put_a_backup_back(&home, &browser, db).await?;

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
        ("admin", "/admin".to_owned()),
        ("admin-users", "/admin/users".to_owned()),
        ("admin-user", format!("/admin/users/{person}")),
        ("admin-applications", "/admin/applications".to_owned()),
        ("admin-audit", "/admin/audit".to_owned()),
        ("admin-announcements", "/admin/announcements".to_owned()),
        ("admin-php", format!("/services/{id}")),
    ];
    for (name, path) in admins {
        faults.extend(look(&browser, name, &path).await.context(name)?);
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    browser.close().await
}

/// The texts of all that a selector finds.
async fn texts(browser: &Browser, css: &str) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((found) => found.textContent.trim())";
    Ok(browser.driver().execute(script, vec![json!(css)]).await?.convert()?)
}

/// The picture of an application tells what runs, who uses whom and that visitors come; also to those who have it read aloud.
async fn see_the_picture(browser: &Browser, application: ApplicationId, address: &str) -> Result<()> {
    browser.go(&format!("/applications/{application}")).await?;
    browser.find("#picture svg[role=group][aria-labelledby=picture-title][aria-describedby=picture-words]").await?;
    let boxes = texts(browser, "#picture .picture-service a[href^='/services/']").await?;
    let tells = |name: &str, words: &[&str]| {
        boxes.iter().any(|text| text.starts_with(name) && words.iter().all(|word| text.contains(word)))
    };
    ensure!(tells("php", &["PHP · running", "Proxy 1 · Web 1 · PHP 2", "blog.ada.localhost"]), "{boxes:?}");
    ensure!(tells("db", &["MySQL · running", "Balancer 1 · MySQL 1"]), "{boxes:?}");
    let words = texts(browser, "#picture-words").await?;
    ensure!(words == ["php uses db as DB."], "{words:?}");

    // One arrow, and its head touches the box of the database, which is below the box of the site.
    let script = "const boxes = [...document.querySelectorAll('#picture .picture-service')];
        const called = (name) => boxes.find((box) => box.querySelector('.picture-name').textContent.trim() === name);
        const [from, to] = ['php', 'db'].map((name) => called(name).querySelector('.picture-box').getBoundingClientRect());
        const [head, ...more] = document.querySelectorAll('#picture .picture-uses .picture-head');
        const at = head.getBoundingClientRect();
        const touches = at.top >= to.top && at.bottom <= to.bottom && Math.abs(at.right - to.left) < 2;
        return more.length === 0 && from.bottom < to.top && touches;";
    let is_right: bool = browser.driver().execute(script, Vec::new()).await?.convert()?;
    ensure!(is_right, "the arrow leads from php to db");

    // Visitors are seen while they come.
    let busy = async || texts(browser, "#picture .picture-service.busy").await.map_err(|error| vec![error.to_string()]);
    until("a quiet picture", Duration::from_secs(30), || async {
        let busy = busy().await?;
        if busy.is_empty() { Ok(()) } else { Err(busy) }
    })
    .await?;
    let visitors = Visitor::keep_asking(&format!("{address}/plain.php"), 1)?;
    until("visitors on the picture", Duration::from_secs(60), || async {
        let busy = busy().await?;
        let is_the_site = busy.len() == 1 && busy[0].starts_with("php") && busy[0].contains("Requests");
        if is_the_site { Ok(()) } else { Err(busy) }
    })
    .await?;
    let seen = visitors.finish().await;
    ensure!(seen.good > 0 && seen.lost.is_empty(), "{seen:?}");
    Ok(())
}

/// A backup is put back by whoever has typed the name of the service, and by nobody else.
async fn put_a_backup_back(home: &Installation, browser: &Browser, db: ServiceId) -> Result<()> {
    let container = home.containers_of(db)?.into_iter().next().context("it has a container")?;
    let sql = |statement: &str| -> Result<String> {
        let client = "--defaults-file=/run/aerie/mysql/client.cnf";
        let told = home.docker(&["exec", &container, "mariadb", client, "-N", "-B", "app", "-e", statement])?;
        Ok(told.trim().to_owned())
    };
    sql("create table later (a int)")?;
    browser.go(&format!("/services/{db}")).await?;
    let name_field = "table.backups input[name=confirm]";
    let of_it = |end: &str| format!("table.backups details.confirm:has(input[name=confirm]) {end}");
    browser.click(&of_it("> summary")).await?;
    browser.fill(name_field, "mysql").await?;
    browser.click(&of_it("button.danger")).await?;
    browser.see("must be the name of the service, db", Duration::from_secs(20)).await?;
    ensure!(sql("show tables")? == "later", "nothing was touched");
    browser.fill(name_field, "db").await?;
    browser.click(&of_it("button.danger")).await?;
    browser.see("was restored.", Duration::from_secs(90)).await?;
    ensure!(sql("show tables")?.is_empty(), "what came after the backup is gone");
    Ok(())
}

/// Looks at a page as four people would; gives what is wrong with it.
async fn look(browser: &Browser, name: &str, path: &str) -> Result<Vec<String>> {
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
        let scheme = if dark { "dark" } else { "light" };
        let measure = "const page = document.documentElement; return [page.scrollWidth, page.scrollHeight]";
        let (wide, high): (u32, u32) = browser.driver().execute(measure, Vec::new()).await?.convert()?;
        if wide > width {
            faults.push(format!("{path} at {width}: scrolls sideways ({wide})"));
        }
        // the whole page, not only what the window shows of it
        browser.pretend(width, high, dark).await?;
        browser.picture(&folder.join(format!("{name}-{width}-{scheme}.png"))).await?;
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
