//! Installations that several rows share, made when the first row needs them.

use crate::table::say;
use aerie_domain::{
    ServiceId, ServiceState,
    views::{ApplicationView, CodeVersionView, ServiceView},
};
use aerie_tests::{Api, Installation, tar_gz, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::{fs, time::Duration};

/// Everything that was made so far; dropped, it is removed.
#[derive(Default)]
pub struct School {
    real: Option<Real>,
}

/// An installation with real containers, and a user with one php service.
pub struct Real {
    /// The installation.
    pub home: Installation,
    /// The user.
    pub ada: Api,
    /// Her service.
    pub service: ServiceId,
    /// Where visitors find it.
    pub address: String,
}

impl School {
    /// The one with real containers; its service runs, packed, with the welcome page or what rows have put there.
    pub async fn real(&mut self) -> Result<&Real> {
        if self.real.is_none() {
            self.real = Some(Real::open("bench").await?);
        }
        self.real.as_ref().context("it was just made")
    }
}

impl Real {
    /// Makes one.
    pub async fn open(name: &str) -> Result<Self> {
        say("  making an installation with real containers (the first time, images are built)");
        let environment = vec![("AERIE_INITIAL_CREDIT", "100000".to_owned()), ("AERIE_MAX_INSTANCES", "40".to_owned())];
        let home = Installation::start_release(name, environment).await?;
        let ada = home.api().register("ada").await?;
        let view = ada.application_with("blog", "php").await?;
        let service = view.summary.id;
        let address = view.summary.address.context("php has a public address")?;
        let real = Self { home, ada, service, address };
        // The first start builds the images, which may take longer than one such wait and is no part of any row.
        if let Err(error) = real.post("/start", None).await {
            say(&format!("  still waiting: {error:#}"));
            real.ada.wait_state(service, ServiceState::Running).await?;
        }
        Ok(real)
    }

    /// Path of the service in the API.
    pub fn path(&self, end: &str) -> String {
        format!("/services/{}{end}", self.service)
    }

    /// Asks for a change and waits until it is done.
    pub async fn post(&self, end: &str, body: Option<serde_json::Value>) -> Result<()> {
        self.ada.accepted(Method::POST, &self.path(end), body).await.map(drop)
    }

    /// Uploads files as a new version.
    pub async fn upload(&self, files: &[(&str, &str)]) -> Result<CodeVersionView> {
        let folder = tempfile::tempdir()?;
        for (path, content) in files {
            let path = folder.path().join("site").join(path);
            fs::create_dir_all(path.parent().context("below the folder")?)?;
            fs::write(path, content)?;
        }
        self.ada.upload(self.service, "site.tar.gz", tar_gz(folder.path(), "site")?).await
    }

    /// Uploads files and lets them be served.
    pub async fn serve(&self, files: &[(&str, &str)]) -> Result<CodeVersionView> {
        let version = self.upload(files).await?;
        self.post("/activate", Some(json!({ "version_id": version.id }))).await?;
        Ok(version)
    }

    /// Sets the number of php instances and waits until it is reached.
    pub async fn php(&self, count: u32) -> Result<()> {
        let body = json!({ "roles": { "php": count } });
        self.ada.accepted(Method::PUT, &self.path("/scale"), Some(body)).await?;
        self.ada.wait_state(self.service, ServiceState::Running).await?;
        Ok(())
    }

    /// The service as it is.
    pub async fn view(&self) -> Result<ServiceView> {
        self.ada.service(self.service).await
    }

    /// Name of the container that runs the proxy.
    pub async fn proxy_container(&self) -> Result<String> {
        let view = self.view().await?;
        let instance = view.instances.iter().find(|one| one.roles.iter().any(|role| role.role == "proxy"));
        let short = &instance.context("there is a proxy")?.short;
        let names = self.home.containers()?;
        names.into_iter().find(|name| name.ends_with(short)).context("its container exists")
    }
}

/// An installation whose containers are only pretended.
pub struct Pretended {
    /// The installation.
    pub home: Installation,
    /// The user.
    pub ada: Api,
    /// Applications and services made so far.
    made: usize,
    applications: Vec<ApplicationView>,
}

impl Pretended {
    /// Makes one without services.
    pub async fn open(name: &str) -> Result<Self> {
        Self::open_with(name, &[]).await
    }

    /// The same with more settings of the director.
    pub async fn open_with(name: &str, more: &[(&'static str, &str)]) -> Result<Self> {
        let mut environment = vec![
            ("AERIE_CLOUD", "simulated".to_owned()),
            ("AERIE_INITIAL_CREDIT", "1000000".to_owned()),
            ("AERIE_MAX_APPLICATIONS", "1000".to_owned()),
            ("AERIE_MAX_INSTANCES", "40".to_owned()),
            // The pool of tests is for a few networks; these exist in memory only.
            ("AERIE_SUBNET_POOL", "10.208.0.0/12".to_owned()),
        ];
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let home = Installation::start_release(name, environment).await?;
        let ada = home.api().register("ada").await?;
        Ok(Self { home, ada, made: 0, applications: Vec::new() })
    }

    /// Makes services until there are so many, ten per application, with `php` instances of php each, and starts them.
    pub async fn grow(&mut self, services: usize, php: u32) -> Result<()> {
        while self.made < services {
            if self.made.is_multiple_of(10) {
                let name = format!("app{}", self.applications.len());
                let made = self.ada.json(Method::POST, "/applications", Some(json!({ "name": name }))).await?;
                self.applications.push(made);
            }
            let application = self.applications.last().context("one was made")?.id;
            let path = format!("/applications/{application}/services");
            let service: ServiceView = self.ada.json(Method::POST, &path, Some(json!({ "kind": "php" }))).await?;
            let path = format!("/services/{}", service.summary.id);
            if php > 1 {
                let body = json!({ "roles": { "php": php } });
                let _: serde_json::Value = self.ada.json(Method::PUT, &format!("{path}/scale"), Some(body)).await?;
            }
            let _: serde_json::Value = self.ada.json(Method::POST, &format!("{path}/start"), None).await?;
            self.made += 1;
            if self.made.is_multiple_of(500) {
                say(&format!("  {} services", self.made));
            }
        }
        self.settled().await
    }

    /// Waits until so many services run, and none is still to.
    pub async fn settled_of(&self, services: usize) -> Result<()> {
        self.settled().await?;
        let running = "select count(*) from services where state = 'RUNNING' and kind = 'php'";
        let running = crate::database::ask(self.home.database_url(), running).await?;
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        let all = running >= services as f64;
        ensure!(all, "{running} of {services} run");
        Ok(())
    }

    /// Waits until all services run.
    pub async fn settled(&self) -> Result<()> {
        let query = "select count(*) from services where desired = 'running' and (state <> 'RUNNING' or observed_generation <> generation)";
        until("all services to run", Duration::from_secs(600), || async {
            match crate::database::ask(self.home.database_url(), query).await {
                Ok(left) if left < 0.5 => Ok(()),
                Ok(left) => Err(format!("{left} do not")),
                Err(error) => Err(format!("{error:#}")),
            }
        })
        .await
    }
}
