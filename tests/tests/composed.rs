//! Services that use each other: `docs/howto/java-mysql.md` for real, the page for databases, and the order in which they
//! come and go.

use aerie_domain::{
    OperationId, Problem, ProblemCode, ServiceId, ServiceState,
    views::{AcceptedAll, AccessView, ApplicationView, OperationView, ServiceView},
};
use aerie_tests::{Api, HowTo, Installation, Visitor, form_fields, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

/// A service beside another one, used by that.
async fn used_by(ada: &Api, user: &ServiceView, kind: &str, name: &str) -> Result<ServiceId> {
    let path = format!("/applications/{}/services", user.summary.application_id);
    let form = json!({ "kind": kind, "name": name });
    let made: ServiceView = ada.json(Method::POST, &path, Some(form)).await?;
    let path = format!("/services/{}/bindings/{}", user.summary.id, made.summary.id);
    ada.accepted(Method::PUT, &path, Some(json!({}))).await?;
    Ok(made.summary.id)
}

#[tokio::test]
async fn a_java_application_keeps_its_guests_in_a_database() -> Result<()> {
    let home = Installation::start("composed").await?;
    let ada = home.api().register("ada").await?;
    let site = ada.application_with("guests", "java").await?;
    let (id, address) = (site.summary.id, site.summary.address.clone().context("an address")?);
    let db = used_by(&ada, &site, "mysql", "db").await?;
    let _: Value = ada.json(Method::POST, &format!("/services/{db}/start"), None).await?;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let version = ada.upload(id, "guests.war", HowTo::follow("howto/java-mysql").await?.file("guests.war")?).await?;
    let form = json!({ "version_id": version.id });
    ada.accepted(Method::POST, &format!("/services/{id}/activate"), Some(form)).await?;

    let visitor = Visitor::patient_browser_like(&address)?;
    let visit = async |query: &str| {
        let answer = visitor.get(format!("{address}/{query}")).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status == 200, "{status} {text}");
        Ok(text)
    };
    ensure!(visit("?name=Ada").await?.trim() == "Ada", "the first guest");
    ensure!(visit("?name=J%C3%BCrgen%20%F0%9F%90%98").await?.trim() == "Ada\nJürgen 🐘", "the second guest");

    ada.accepted(Method::PUT, &format!("/services/{id}/scale"), Some(json!({ "roles": { "java": 2 } }))).await?;
    for turn in 0..6 {
        ensure!(visit("").await?.starts_with("Ada\nJürgen"), "turn {turn}");
    }
    Ok(())
}

/// Somebody in front of the page for databases, with a browser.
struct Desk {
    browser: Client,
    address: String,
}

impl Desk {
    fn sit_down(address: &str) -> Result<Self> {
        Ok(Self { browser: Visitor::browser_like(address)?, address: address.to_owned() })
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, String)> {
        let answer = self.browser.get(format!("{}{path}", self.address)).send().await?;
        Ok((answer.status(), answer.text().await?))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<(StatusCode, String)> {
        let answer = self.browser.post(format!("{}{path}", self.address)).form(form).send().await?;
        Ok((answer.status(), answer.text().await?))
    }

    async fn log_in(&self, server: &str, password: &str) -> Result<(StatusCode, String)> {
        let form = [("server", server), ("username", "app"), ("password", password), ("db", "app")];
        let form = form.map(|(name, value)| (format!("auth[{name}]"), value));
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.post("/adminer/", &form).await
    }

    /// Fills in the form of a page of the database and sends it.
    async fn submit(&self, page: &str, fields: &[(&str, &str)]) -> Result<String> {
        let path = format!("/adminer/?server=db&username=app&db=app&{page}");
        let (status, shown) = self.get(&path).await?;
        ensure!(status == 200, "{status} {shown}");
        let mut form = form_fields(&shown);
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (status, shown) = self.post(&path, &form).await?;
        ensure!(status == 200, "{status} {shown}");
        Ok(shown)
    }
}

#[tokio::test]
async fn a_database_is_looked_after_on_a_page_and_nothing_else_is() -> Result<()> {
    let home = Installation::start("adminer").await?;
    let ada = home.api().register("ada").await?;
    let page = ada.application_with("shop", "adminer").await?;
    let (id, address) = (page.summary.id, page.summary.address.clone().context("an address")?);
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let desk = Desk::sit_down(&address)?;
    let (status, shown) = desk.get("/").await?;
    ensure!(status == 200 && shown.contains("connected with no database yet"), "{status} {shown}");

    // Connected while it runs.
    let db = used_by(&ada, &page, "mysql", "db").await?;
    ada.accepted(Method::POST, &format!("/services/{db}/start"), None).await?;
    let access: AccessView = ada.json(Method::GET, &format!("/services/{db}/access"), None).await?;
    let password = access.secrets.iter().find(|secret| secret.name == "password").context("a password")?.value.clone();
    let (status, shown) = desk.get("/").await?;
    ensure!(status == 200 && shown.contains("auth[server]") && shown.contains(">db"), "{status} {shown}");
    ensure!(!shown.contains(&password), "the password has to be known");
    let (status, shown) = desk.log_in("db", &password).await?;
    ensure!(status == 200 && shown.contains("Create table"), "{status} {shown}");
    let sql =
        "create table guests (name varchar(40)); insert into guests values ('Jürgen 🐘'); select name from guests;";
    let shown = desk.submit("sql=", &[("query", sql)]).await?;
    ensure!(shown.contains("<td>Jürgen 🐘"), "{shown}");
    let fields = [
        ("output", "text"),
        ("format", "sql"),
        ("table_style", "CREATE"),
        ("data_style", "INSERT"),
        ("tables[]", "guests"),
        ("data[]", "guests"),
    ];
    let dump = desk.submit("dump=", &fields).await?;
    ensure!(dump.contains("CREATE TABLE `guests`") && dump.contains("('Jürgen 🐘')"), "{dump}");

    // Whoever is in still gets at no file of the instance: there, too, are passwords.
    let sql = "create table loot (line text); load data local infile '/run/aerie/bindings.json' into table loot (line); select * from loot;";
    let shown = desk.submit("sql=", &[("query", sql)]).await?;
    ensure!(!shown.contains(&password) && shown.contains("error"), "{shown}");

    // And whoever is not in gets nowhere, neither to this database nor to another server.
    let stranger = Desk::sit_down(&address)?;
    let (status, shown) = stranger.log_in("127.0.0.1:8091", "x").await?;
    ensure!(status == 403 && shown.contains("auth[server]"), "{status} {shown}");
    for path in [
        "?elastic=localhost&username=x",
        "?sqlite=&username=x&db=/tmp/x",
        "databases.php",
        "designs.php",
        "index.php",
        "../editor/",
    ] {
        let (status, shown) = stranger.get(&format!("/adminer/{path}")).await?;
        ensure!(status == 404, "{path}: {status} {shown}");
    }
    for _ in 0..30 {
        let (status, shown) = stranger.log_in("db", "guess").await?;
        ensure!(status == 403 && !shown.contains("Create table"), "{status} {shown}");
    }
    let (_, shown) = stranger.log_in("db", &password).await?;
    ensure!(shown.contains("Too many unsuccessful logins"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_whole_application_comes_and_goes_in_the_order_of_its_bindings() -> Result<()> {
    let home = Installation::start("order").await?;
    let ada = home.api().register("ada").await?;
    let site = ada.application_with("shop", "php").await?;
    let (id, application) = (site.summary.id, site.summary.application_id);
    let store = used_by(&ada, &site, "keyvalue", "cache").await?;

    let whole = async |what: &str| -> Result<Vec<OperationId>> {
        let accepted: AcceptedAll =
            ada.json(Method::POST, &format!("/applications/{application}/{what}"), None).await?;
        Ok(accepted.operations.into_iter().map(|operation| operation.id).collect())
    };
    let ends = async |operations: &[OperationId]| -> Result<Vec<OffsetDateTime>> {
        let mut ends = Vec::new();
        for operation in operations {
            let end = until("an operation to end", Duration::from_secs(180), || async {
                let view: OperationView = ada
                    .json(Method::GET, &format!("/operations/{operation}"), None)
                    .await
                    .map_err(|error| error.to_string())?;
                view.ended_at.filter(|_| view.error.is_empty()).ok_or(format!("{} {}", view.progress, view.error))
            });
            ends.push(end.await?);
        }
        Ok(ends)
    };
    // In the order of their making: the site, the store.
    let started = ends(&whole("start").await?).await?;
    ensure!(started[1] < started[0], "what is used runs first: {started:?}");

    // What the store tells is on the page of the application within some seconds.
    let keys = until("figures", Duration::from_secs(40), || async {
        let view: ApplicationView =
            ada.json(Method::GET, &format!("/applications/{application}"), None).await.map_err(|e| e.to_string())?;
        let store = view.services.iter().find(|service| service.id == store).ok_or("no store")?;
        let figures: Vec<_> = store.figures.iter().map(|figure| (figure.spec.name.clone(), figure.value)).collect();
        if figures.iter().all(|(_, value)| value.is_some()) { Ok(figures) } else { Err(format!("{figures:?}")) }
    })
    .await?;
    ensure!(keys.iter().map(|(name, _)| name.as_str()).eq(["keys", "memory", "operations"]), "{keys:?}");
    ensure!(keys[0].1 == Some(0.0) && keys[1].1 > Some(0.0), "{keys:?}");

    // A restart of all gives everybody new instances; who uses another one gets them when that has its own.
    let restarted = ends(&whole("restart").await?).await?;
    ensure!(restarted[1] < restarted[0], "what is used restarts first: {restarted:?}");
    let made = async |service: ServiceId| -> Result<Vec<OffsetDateTime>> {
        let instances = ada.service(service).await?.instances;
        Ok(instances.iter().filter(|instance| !instance.auxiliary).map(|instance| instance.created_at).collect())
    };
    let (of_site, of_store) = (made(id).await?, made(store).await?);
    let is_new = of_store.iter().all(|at| *at > started[1]) && !of_store.is_empty() && !of_site.is_empty();
    let is_later = of_site.iter().min() > of_store.iter().max();
    ensure!(is_new && is_later, "the site's {of_site:?}, the store's {of_store:?}, started {started:?}");

    let stopped = ends(&whole("stop").await?).await?;
    ensure!(stopped[0] < stopped[1], "who uses stops first: {stopped:?}");
    let view: ApplicationView = ada.json(Method::GET, &format!("/applications/{application}"), None).await?;
    ensure!(view.services.iter().all(|service| service.state == ServiceState::Stopped), "{:?}", view.services);
    ensure!(view.uses.len() == 1 && view.uses[0].service_id == id, "{:?}", view.uses);
    let again: Problem = ada.refused(Method::POST, &format!("/applications/{application}/stop"), None).await?;
    ensure!(again.code == ProblemCode::Conflict, "{again}");
    Ok(())
}
