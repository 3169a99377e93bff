//! `docs/howto/mediawiki.md` for real: Debian's MediaWiki on php and mysql, installed by its own installer, edited, scaled.

use aerie_domain::{
    ServiceId,
    views::{AccessView, ServiceView},
};
use aerie_tests::{Api, HowTo, Installation, Visitor, form_fields, until};
use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs::OpenOptions, io::Write as _, process::Command, time::Duration};

const PASSWORD: &str = "correct horse battery";

struct Wiki {
    ada: Api,
    site: ServiceId,
    db: ServiceId,
    address: String,
    visitor: Client,
}

impl Wiki {
    async fn compose(ada: Api) -> Result<Self> {
        let site = ada.application_with("wiki", "php").await?;
        let path = format!("/applications/{}/services", site.summary.application_id);
        let form = json!({ "kind": "mysql", "name": "db" });
        let db: ServiceView = ada.json(Method::POST, &path, Some(form)).await?;
        let (site, db, address) = (site.summary.id, db.summary.id, site.summary.address.context("an address")?);
        ada.accepted(Method::PUT, &format!("/services/{site}/bindings/{db}"), Some(json!({}))).await?;
        let _: Value = ada.json(Method::POST, &format!("/services/{db}/start"), None).await?;
        ada.accepted(Method::POST, &format!("/services/{site}/start"), None).await?;
        let visitor = Visitor::patient_browser_like(&address)?;
        Ok(Self { ada, site, db, address, visitor })
    }

    async fn activate(&self, name: &str, archive: Vec<u8>) -> Result<()> {
        let version = self.ada.upload(self.site, name, archive).await?;
        let form = json!({ "version_id": version.id });
        self.ada.accepted(Method::POST, &format!("/services/{}/activate", self.site), Some(form)).await?;
        Ok(())
    }

    /// Goes through the installer page by page, as a person does, and gives the file that it makes.
    async fn install(&self) -> Result<String> {
        let url = format!("{}/mw-config/index.php", self.address);
        let access: AccessView = self.ada.json(Method::GET, &format!("/services/{}/access", self.db), None).await?;
        let of = |name: &str| access.offers.iter().find(|offer| offer.name == name).map(|offer| offer.value.clone());
        let host = format!("{}:{}", of("HOST").context("HOST")?, of("PORT").context("PORT")?);
        let said: BTreeMap<&str, String> = [
            ("mysql_wgDBserver", host),
            ("mysql_wgDBname", of("NAME").context("NAME")?),
            ("mysql__InstallUser", of("USER").context("USER")?),
            ("mysql__InstallPassword", of("PASSWORD").context("PASSWORD")?),
            ("DBType", "mysql".to_owned()),
            ("config_wgSitename", "Elephants".to_owned()),
            ("config__AdminName", "Ada".to_owned()),
            ("config__AdminPassword", PASSWORD.to_owned()),
            ("config__AdminPasswordConfirm", PASSWORD.to_owned()),
            ("config__SkipOptional", "skip".to_owned()),
            ("config__Subscribe", String::new()),
        ]
        .into();
        let mut page = self.visitor.get(&url).send().await?;
        let mut walked = Vec::new();
        // Ten pages, and some of them twice.
        for _ in 0..20 {
            let at = page.url().clone();
            let text = page.text().await?;
            walked.push(at.query().unwrap_or_default().to_owned());
            if text.contains("LocalSettings.php") && text.contains("localsettings=1") {
                return Ok(self.visitor.get(format!("{url}?localsettings=1")).send().await?.text().await?);
            }
            let mut fields = form_fields(&text);
            if let Some(error) = text.split("config-error-box").nth(1) {
                bail!("{walked:?}: {}", error.chars().take(400).collect::<String>());
            }
            // Some pages are only to be read.
            ensure!(text.contains("<form"), "{walked:?}: there is no way on from {text}");
            for (name, value) in &said {
                if let Some(field) = fields.get_mut(*name) {
                    field.clone_from(value);
                }
            }
            fields.retain(|name, value| name != "config__Subscribe" || !value.is_empty());
            fields.insert("submit-continue".to_owned(), "Continue →".to_owned());
            page = self.visitor.post(at).form(&fields).send().await?;
        }
        bail!("the installer does not end: {walked:?}")
    }

    /// A call of the wiki's own interface for programs.
    async fn call(&self, form: &[(&str, &str)]) -> Result<Value> {
        let all: Vec<_> = form.iter().copied().chain([("format", "json"), ("formatversion", "2")]).collect();
        let answer = self.visitor.post(format!("{}/api.php", self.address)).form(&all).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        serde_json::from_str(&text).with_context(|| format!("{status} {text}"))
    }

    async fn token(&self, of: &str) -> Result<String> {
        let answer = self.call(&[("action", "query"), ("meta", "tokens"), ("type", of)]).await?;
        let token = answer["query"]["tokens"][format!("{of}token")].as_str();
        token.map(str::to_owned).with_context(|| answer.to_string())
    }

    async fn log_in(&self) -> Result<()> {
        let token = self.token("login").await?;
        let form = [
            ("action", "clientlogin"),
            ("username", "Ada"),
            ("password", PASSWORD),
            ("logintoken", &token),
            ("loginreturnurl", &self.address),
        ];
        let answer = self.call(&form).await?;
        ensure!(answer["clientlogin"]["status"] == "PASS", "{answer}");
        Ok(())
    }

    /// Changes a page, which only people who are logged in may (`assert`).
    async fn edit(&self, title: &str, text: &str) -> Result<()> {
        let token = self.token("csrf").await?;
        let form = [("action", "edit"), ("title", title), ("text", text), ("token", &token), ("assert", "user")];
        let answer = self.call(&form).await?;
        ensure!(answer["edit"]["result"] == "Success", "{answer}");
        Ok(())
    }

    async fn read(&self, title: &str) -> Result<String> {
        let answer = self.visitor.get(format!("{}/index.php/{title}", self.address)).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status == 200, "{status} {text}");
        Ok(text)
    }
}

#[tokio::test]
async fn a_wiki_is_installed_edited_and_scaled() -> Result<()> {
    let home = Installation::start("mediawiki").await?;
    let wiki = Wiki::compose(home.api().register("ada").await?).await?;
    let steps = HowTo::follow("howto/mediawiki").await?;
    wiki.activate("mediawiki.tar.gz", steps.file("mediawiki.tar.gz")?).await?;

    // The installer, and what its page says to do with what comes out of it.
    let settings = wiki.install().await?;
    ensure!(settings.starts_with("<?php") && settings.contains("wgSitename = \"Elephants\""), "{settings}");
    let folder = tempfile::tempdir()?;
    let copied = Command::new("cp").arg("-r").arg(steps.folder().join("wiki")).arg(folder.path()).status()?;
    ensure!(copied.success(), "the folder cannot be copied");
    let path = folder.path().join("wiki/LocalSettings.php");
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(file, "{settings}\nrequire __DIR__ . '/AerieSettings.php';")?;
    wiki.activate("mediawiki-2.tar.gz", aerie_tests::tar_gz(folder.path(), "wiki")?).await?;

    wiki.log_in().await?;
    wiki.edit("Jumbo", "An '''elephant''' from {{CURRENTYEAR}}.").await?;
    ensure!(wiki.read("Jumbo").await?.contains("An <b>elephant</b>"), "the page is shown");

    // Three instances: the login and the page are the same at each of them.
    let load = Visitor::keep_asking(&format!("{}/index.php/Jumbo", wiki.address), 1)?;
    let form = json!({ "roles": { "php": 3 } });
    wiki.ada.accepted(Method::PUT, &format!("/services/{}/scale", wiki.site), Some(form)).await?;
    load.finish_without_loss(0, &wiki.ada, wiki.site).await?;
    for turn in 0..9 {
        wiki.edit("Jumbo", &format!("An '''elephant''', change {turn}.")).await?;
        ensure!(wiki.read("Jumbo").await?.contains(&format!("change {turn}.")), "turn {turn}");
    }

    // Another password of the database reaches the wiki by itself.
    wiki.ada.accepted(Method::POST, &format!("/services/{}/secrets/password/renew", wiki.db), None).await?;
    // The server has it at once, php a moment later.
    until("the wiki to know the new password", Duration::from_secs(30), || async {
        wiki.edit("Dumbo", "After the change.").await.map_err(|error| format!("{error:#}"))
    })
    .await
}
