//! The practical assignments of `docs/labs`, with the archives that they tell students to make: what they say will be seen
//! is seen.

use aerie_domain::{
    CodeVersionId, ServiceId,
    views::{ActionRunView, ActionState, ActionsView, LogLine, Page, ServiceView},
};
use aerie_tests::{Api, Copies, HowTo, Installation, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const PATIENCE: Duration = Duration::from_secs(60);

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
        Ok(Self { ada, page: HowTo::follow(page)?, application })
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

    async fn bind(&self, site: ServiceId, to: ServiceId) -> Result<()> {
        self.ask(Method::PUT, site, &format!("/bindings/{to}"), Some(json!({}))).await
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
    let site = student.service("php", "site").await?;
    let db = student.service("mysql", "db").await?.summary.id;
    let (site, address) = (site.summary.id, site.summary.address.context("an address")?);
    student.bind(site, db).await?;
    student.start(db).await?;
    student.start(site).await?;
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
    let student = Student::begin(&home, "labs/3-divide-the-work", "lab3").await?;
    let id = student.service("generic", "generic").await?.summary.id;
    student.start(id).await?;
    student.upload(id, "primes.tar.gz").await?;
    student.scale(id, "node", 1).await?;
    let run = press(&student, id, "200000 20").await?;
    let codes = ended(&student, id, &run).await?;
    ensure!(codes == [Some(0), Some(0)], "{codes:?}");
    logged(&student, id, student.page.seen[0].trim()).await?;

    // Half of the workers leave with the pieces that they have.
    student.scale(id, "node", 4).await?;
    let run = press(&student, id, "1000000 100").await?;
    until("the work to be under way", PATIENCE, || async {
        let view: ActionsView =
            student.ada.json(Method::GET, &format!("/services/{id}/actions"), None).await.map_err(|e| e.to_string())?;
        let lights = view.instances.iter().flat_map(|instance| &instance.lights).filter(|light| light.run == run.id);
        let lights: Vec<_> = lights.map(|light| light.state).collect();
        if lights.len() == 5 && lights.iter().all(|state| *state == ActionState::Running) {
            Ok(())
        } else {
            Err(format!("{lights:?}"))
        }
    })
    .await?;
    student.scale(id, "node", 2).await?;
    ended(&student, id, &run).await?;
    logged(&student, id, "78498 primes up to 1000000").await
}

async fn press(student: &Student, id: ServiceId, parameters: &str) -> Result<ActionRunView> {
    let form = json!({ "values": { "parameters": parameters } });
    student.ada.json(Method::POST, &format!("/services/{id}/actions/run"), Some(form)).await
}

async fn ended(student: &Student, id: ServiceId, run: &ActionRunView) -> Result<Vec<Option<i32>>> {
    until("the run to end", PATIENCE, || async {
        let path = format!("/services/{id}/actions/runs");
        let runs: Page<ActionRunView> = student.ada.json(Method::GET, &path, None).await.map_err(|e| e.to_string())?;
        let found = runs.items.into_iter().find(|other| other.id == run.id).ok_or("the run is gone")?;
        let over = found.results.iter().all(|result| result.state.is_final());
        if over { Ok(found.results.iter().map(|result| result.code).collect()) } else { Err(format!("{found:?}")) }
    })
    .await
}

async fn logged(student: &Student, id: ServiceId, text: &str) -> Result<()> {
    until(&format!("{text:?} in the log"), PATIENCE, || async {
        let path = format!("/services/{id}/logs?stream=run&text=primes&tail=50");
        let page: Page<LogLine> = student.ada.json(Method::GET, &path, None).await.map_err(|e| e.to_string())?;
        if page.items.iter().any(|line| line.text == text) { Ok(()) } else { Err(format!("{:?}", page.items)) }
    })
    .await
}

#[tokio::test]
async fn lab_4_a_store_is_cut_in_pieces_and_put_together_again() -> Result<()> {
    let home = Installation::start("lab-4").await?;
    let student = Student::begin(&home, "labs/4-a-store-in-pieces", "lab4").await?;
    let site = student.service("php", "site").await?;
    let store = student.service("keyvalue", "store").await?.summary.id;
    let (site, address) = (site.summary.id, site.summary.address.context("an address")?);
    student.bind(site, store).await?;
    student.start(store).await?;
    student.start(site).await?;
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
