//! The practical assignments of `docs/labs`, with the archives that they tell students to make: what they say will be seen
//! is seen.

use aerie_domain::{CodeVersionId, ServiceId, views::ServiceView};
use aerie_tests::{Api, Copies, HowTo, Installation, Lab, Visitor};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A student, and the application of one lab.
struct Student {
    ada: Api,
    page: HowTo,
    application: String,
}

impl Student {
    async fn begin(home: &Installation, page: &str, application: &str) -> Result<Self> {
        let ada = home.api().register("ada").await?;
        let made: Value = ada.json(Method::POST, "/applications", Some(json!({ "name": application }))).await?;
        let application = made["id"].as_str().context("an id")?.to_owned();
        Ok(Self { ada, page: HowTo::follow(page).await?, application })
    }

    async fn service(&self, kind: &str, name: &str) -> Result<ServiceView> {
        let form = json!({ "kind": kind, "name": name });
        self.ada.json(Method::POST, &format!("/applications/{}/services", self.application), Some(form)).await
    }

    async fn ask(&self, method: Method, id: ServiceId, end: &str, form: Option<Value>) -> Result<()> {
        self.ada.accepted(method, &format!("/services/{id}{end}"), form).await.map(drop)
    }

    async fn start(&self, id: ServiceId) -> Result<()> {
        self.ask(Method::POST, id, "/start", None).await
    }

    async fn scale(&self, id: ServiceId, role: &str, count: u32) -> Result<()> {
        self.ask(Method::PUT, id, "/scale", Some(json!({ "roles": { role: count } }))).await
    }

    /// Uploads an archive that the page made, and activates it.
    async fn upload(&self, id: ServiceId, archive: &str) -> Result<CodeVersionId> {
        let version = self.ada.upload(id, archive, self.page.file(archive)?).await?;
        self.activate(id, version.id).await?;
        Ok(version.id)
    }

    async fn activate(&self, id: ServiceId, version: CodeVersionId) -> Result<()> {
        self.ask(Method::POST, id, "/activate", Some(json!({ "version_id": version }))).await
    }

    /// A site that uses another service, both running.
    async fn site_with(&self, kind: &str, name: &str) -> Result<(ServiceId, ServiceId, String)> {
        let site = self.service("php", "site").await?.summary;
        let other = self.service(kind, name).await?.summary.id;
        self.ask(Method::PUT, site.id, &format!("/bindings/{other}"), Some(json!({}))).await?;
        self.start(other).await?;
        self.start(site.id).await?;
        Ok((site.id, other, site.address.context("an address")?))
    }
}

async fn text(visitor: &Client, url: &str) -> Result<String> {
    let response = visitor.get(url).send().await?;
    let (status, text) = (response.status(), response.text().await?);
    ensure!(status.is_success(), "{status}: {text}");
    Ok(text)
}

#[tokio::test]
async fn lab_1_a_site_is_scaled_while_somebody_visits_it() -> Result<()> {
    let home = Installation::start("lab-1").await?;
    let student = Student::begin(&home, "labs/1-scale-a-site", "lab1").await?;
    let site = student.service("php", "site").await?;
    let (id, address) = (site.summary.id, site.summary.address.context("an address")?);
    student.start(id).await?;
    student.upload(id, "slow.tar.gz").await?;
    let visitor = Visitor::browser_like(&address)?;
    ensure!(text(&visitor, &address).await? == text(&visitor, &address).await?, "one instance answers");
    let visits = format!("{address}/visits.php");
    ensure!(text(&visitor, &visits).await? == "visit 1\n");
    student.scale(id, "php", 3).await?;
    ensure!(text(&visitor, &visits).await? == "visit 2\n", "the visits are kept");
    let mut names = BTreeSet::new();
    for _ in 0..12 {
        names.insert(text(&visitor, &address).await?);
    }
    ensure!(names.len() == 3, "three instances answer: {names:?}");
    let load = Visitor::keep_asking(&address, 2)?;
    student.scale(id, "php", 1).await?;
    load.finish_without_loss(5, &student.ada, id).await?;
    ensure!(text(&visitor, &visits).await? == "visit 3\n", "still");
    Ok(())
}

#[tokio::test]
async fn lab_2_guests_come_back_after_a_mistake() -> Result<()> {
    let home = Installation::start("lab-2").await?;
    let student = Student::begin(&home, "labs/2-keep-data", "lab2").await?;
    let (site, db, address) = student.site_with("mysql", "db").await?;
    let first = student.upload(site, "guests.tar.gz").await?;
    let visitor = Visitor::browser_like(&address)?;
    text(&visitor, &format!("{address}/?name=Ada")).await?;
    ensure!(text(&visitor, &format!("{address}/?name=Grace")).await? == "Ada\nGrace\nservers: 1\n");

    for service in [site, db] {
        student.ask(Method::POST, service, "/stop", None).await?;
    }
    student.start(db).await?;
    student.start(site).await?;
    ensure!(text(&visitor, &address).await? == "Ada\nGrace\nservers: 1\n", "they outlived the stop");
    student.scale(db, "mysql", 3).await?;
    ensure!(text(&visitor, &address).await? == "Ada\nGrace\nservers: 3\n");

    let copies = Copies::of(&student.ada, db, "db");
    let made = copies.make().await?;
    ensure!(made.check.as_ref().is_some_and(|check| check.ok), "{made:?}");
    student.upload(site, "oops.tar.gz").await?;
    ensure!(text(&visitor, &address).await? == "oops\n");
    student.activate(site, first).await?;
    ensure!(text(&visitor, &address).await? == "servers: 3\n", "old code brings no data back");
    text(&visitor, &format!("{address}/?name=Late")).await?;
    let list = copies.restore(made.id).await?;
    ensure!(list.last_restore.as_ref().is_some_and(|restored| restored.reason.is_empty()), "{list:?}");
    ensure!(text(&visitor, &address).await? == "Ada\nGrace\nservers: 3\n", "and who came late is missing");
    Ok(())
}

#[tokio::test]
async fn lab_3_workers_come_and_go_and_the_result_is_right() -> Result<()> {
    let home = Installation::start("lab-3").await?;
    let page = HowTo::follow("labs/3-divide-the-work").await?;
    let lab = Lab::start(&home).await?;
    lab.activate("primes.tar.gz", page.file("primes.tar.gz")?).await?;
    lab.scale(1).await?;
    let run = lab.press("run", json!({ "values": { "parameters": "200000 20" } })).await?;
    let run = lab.ended(&run).await?;
    let codes: Vec<_> = run.results.iter().map(|result| result.code).collect();
    ensure!(codes == [Some(0), Some(0)], "{codes:?}");
    lab.logged("run", page.seen[0].trim()).await?;

    // Half of the workers leave with the pieces that they have.
    lab.scale(4).await?;
    let run = lab.press("run", json!({ "values": { "parameters": "1000000 100" } })).await?;
    lab.running(&run).await?;
    lab.scale(2).await?;
    lab.ended(&run).await?;
    lab.logged("run", "78498 primes up to 1000000").await?;
    Ok(())
}

#[tokio::test]
async fn lab_4_a_store_is_cut_in_pieces_and_put_together_again() -> Result<()> {
    let home = Installation::start("lab-4").await?;
    let student = Student::begin(&home, "labs/4-a-store-in-pieces", "lab4").await?;
    let (site, store, address) = student.site_with("keyvalue", "store").await?;
    student.upload(site, "writer.tar.gz").await?;
    let visitor = Visitor::browser_like(&address)?;
    let count = format!("{address}/?count=1");
    ensure!(text(&visitor, &count).await? == "0 keys: 0\n");

    let mut written = 0;
    for nodes in [3, 1] {
        let load = Visitor::keep_asking(&address, 2)?;
        student.scale(store, "store", nodes).await?;
        let seen = load.finish().await;
        ensure!(seen.good > 20, "the page was visited: {} {:?}", seen.good, seen.lost.first());
        written += seen.good;
        let counted = text(&visitor, &count).await?;
        let (sum, parts) = counted.trim().split_once(" keys: ").context("a sum")?;
        ensure!(parts.split(" + ").count() == nodes as usize, "each node has some: {counted}");
        // A request that failed may have written all the same.
        let (sum, failed): (usize, usize) = (sum.parse()?, seen.lost.len());
        ensure!((written..=written + failed).contains(&sum), "{written} were written, {failed} failed: {counted}");
        written = sum;
    }
    Ok(())
}
