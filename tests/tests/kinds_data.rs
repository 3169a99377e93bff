//! Databases for real: a site that uses a `MySQL` database and a key-value store, whose data outlives what happens to them.

use aerie_domain::{
    Problem, ProblemCode, ServiceId, ServiceState,
    views::{AccessView, ServiceView},
};
use aerie_tests::{Api, Installation, Sample, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

/// Keeps each visit as a row and as a counter, and says how many there are: `rows=2 count=2`.
const INDEX: &str = r#"<?php
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$db = new mysqli(getenv('DB_HOST'), getenv('DB_USER'), getenv('DB_PASSWORD'), getenv('DB_NAME'), (int) getenv('DB_PORT'));
$db->query('create table if not exists guests (id int auto_increment primary key, who varchar(40) not null)');
$db->query("insert into guests (who) values ('ünïcode 🐘')");
[$rows, $who] = $db->query('select count(*), max(who) from guests')->fetch_row();
$kv = new Redis();
$kv->connect(getenv('KV_HOST'), (int) getenv('KV_PORT'), 2);
$kv->auth(getenv('KV_PASSWORD'));
$file = json_decode(file_get_contents('/run/aerie/bindings.json'), true);
$same = $file['DB']['variables']['PASSWORD'] === getenv('DB_PASSWORD') ? 'same' : 'other';
echo "rows=$rows count={$kv->incr('visits')} who=$who file=$same";
"#;

struct Shop<'a> {
    home: &'a Installation,
    ada: Api,
    site: ServiceId,
    db: ServiceId,
    cache: ServiceId,
    address: String,
    visitor: reqwest::Client,
}

impl<'a> Shop<'a> {
    async fn compose(home: &'a Installation) -> Result<Self> {
        let ada = home.api().register("ada").await?;
        let site = ada.application_with("shop", "php").await?;
        let path = format!("/applications/{}/services", site.summary.application_id);
        let add = |kind: &str, name: &str| {
            let (ada, path, form) = (ada.clone(), path.clone(), json!({ "kind": kind, "name": name }));
            async move { ada.json::<ServiceView>(Method::POST, &path, Some(form)).await }
        };
        let (db, cache) = (add("mysql", "db").await?, add("keyvalue", "cache").await?);
        let address = site.summary.address.clone().context("php has a public address")?;
        let visitor = Visitor::browser_like(&address)?;
        let (site, db, cache) = (site.summary.id, db.summary.id, cache.summary.id);
        Ok(Self { home, ada, site, db, cache, address, visitor })
    }

    async fn ask(&self, method: Method, service: ServiceId, end: &str) -> Result<()> {
        let body = (method == Method::PUT).then(|| json!({}));
        self.ada.accepted(method, &format!("/services/{service}{end}"), body).await.map(|_| ())
    }

    /// One visit; an error is what the page said instead.
    async fn visit(&self) -> Result<String, String> {
        let response = self.visitor.get(&self.address).send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if status.is_success() && text.starts_with("rows=") { Ok(text) } else { Err(format!("{status} {text}")) }
    }

    async fn visit_works(&self, what: &str) -> Result<String> {
        until(what, Duration::from_secs(60), || self.visit()).await
    }

    /// Kills the containers of a service as a crash would.
    fn kill(&self, service: ServiceId) -> Result<()> {
        let short = service.short();
        let names = self.home.containers()?;
        let names: Vec<&String> = names.iter().filter(|name| name.contains(&short)).collect();
        ensure!(!names.is_empty(), "no container of {short} in {:?}", self.home.containers());
        for name in names {
            self.home.docker(&["kill", "--signal", "KILL", name])?;
        }
        Ok(())
    }

    async fn password(&self) -> Result<String> {
        let access: AccessView = self.ada.json(Method::GET, &format!("/services/{}/access", self.db), None).await?;
        access.offers.into_iter().find(|o| o.name == "PASSWORD").map(|o| o.value).context("there is a password")
    }
}

#[tokio::test]
async fn a_site_keeps_its_data_in_a_database_and_a_store_that_outlive_crashes() -> Result<()> {
    let home = Installation::start("data").await?;
    let shop = Shop::compose(&home).await?;
    shop.ask(Method::PUT, shop.site, &format!("/bindings/{}", shop.db)).await?;
    shop.ask(Method::PUT, shop.site, &format!("/bindings/{}", shop.cache)).await?;

    // Everything is started at once; the site comes last by itself.
    for service in [shop.db, shop.cache] {
        let started = shop.ada.send(Method::POST, &format!("/services/{service}/start"), None).await?;
        ensure!(started.status() == 202, "{}", started.status());
    }
    shop.ask(Method::POST, shop.site, "/start").await?;
    for service in [shop.db, shop.cache] {
        let view = shop.ada.service(service).await?;
        ensure!(view.summary.state == ServiceState::Running, "the site waited for it: {:?}", view.summary);
        ensure!(view.summary.instances == 1, "{:?}", view.instances);
    }
    let code = Sample { files: vec![("index.php", INDEX.to_owned())] };
    let version = shop.ada.upload(shop.site, "shop.tar.gz", code.tar_gz()?).await?;
    let form = json!({ "version_id": version.id });
    shop.ada.accepted(Method::POST, &format!("/services/{}/activate", shop.site), Some(form)).await?;
    let first = shop.visit_works("the first visit").await?;
    ensure!(first.ends_with("count=1 who=ünïcode 🐘 file=same"), "{first}");
    let second = shop.visit().await.map_err(anyhow::Error::msg)?;
    ensure!(second.starts_with("rows=2 count=2 "), "{second}");

    // A crash of the database: it comes back with all that it acknowledged.
    shop.kill(shop.db)?;
    let third = shop.visit_works("the database to be back").await?;
    ensure!(third.starts_with("rows=3 "), "no row is lost and none appears: {third}");

    // A crash of the store: what was written more than a second ago is on disk.
    let count = |text: &str| text.split("count=").nth(1)?.split(' ').next()?.parse::<u32>().ok();
    let before = count(&third).context("a count")?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    shop.kill(shop.cache)?;
    let fourth = shop.visit_works("the store to be back").await?;
    ensure!(count(&fourth) == Some(before + 1), "{third}, then {fourth}");

    // Stopped and started again, both have what they had.
    for service in [shop.db, shop.cache] {
        shop.ask(Method::POST, service, "/stop").await?;
    }
    for service in [shop.db, shop.cache] {
        shop.ask(Method::POST, service, "/start").await?;
    }
    let fifth = shop.visit_works("a visit after stop and start").await?;
    let rows = |text: &str| text.strip_prefix("rows=")?.split(' ').next()?.parse::<u32>().ok();
    ensure!(rows(&fifth) > rows(&fourth) && count(&fifth) > count(&fourth), "{fourth}, then {fifth}");

    // A changed setting restarts the database; visitors wait in front of it, and none sees an error.
    let load = Visitor::keep_asking(&shop.address, 2)?;
    let form = json!({ "settings": { "innodb_buffer_pool_size": "64M" } });
    shop.ada.accepted(Method::PUT, &format!("/services/{}/settings", shop.db), Some(form)).await?;
    load.finish_without_loss(0, &shop.ada, shop.site).await?;

    // Another password reaches the site by itself.
    let old = shop.password().await?;
    shop.ask(Method::POST, shop.db, "/secrets/password/renew").await?;
    ensure!(shop.password().await? != old, "it is another one");
    shop.visit_works("the new password").await?;

    // The database cannot go by accident.
    let path = format!("/services/{}", shop.db);
    let refused: Problem = shop.ada.refused(Method::DELETE, &path, None).await?;
    ensure!(refused.code == ProblemCode::Conflict && refused.detail.contains("php"), "{refused}");
    shop.ask(Method::DELETE, shop.db, "?unbind=true").await?;
    let uses = shop.ada.service(shop.site).await?.connections.uses;
    ensure!(uses.len() == 1 && uses[0].prefix == "KV", "{uses:?}");
    Ok(())
}
