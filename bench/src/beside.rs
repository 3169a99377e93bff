//! More services beside the php one of [`Real`], and a container in their network with clients (`bench/tools`).

use crate::{
    by_hand::{docker, inspect},
    school::Real,
    table,
};
use aerie_domain::{
    ServiceId, ServiceState,
    views::{AccessView, ServiceView},
};
use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

const IMAGE: &str = "aerie-bench-tools";

/// A service beside the php one.
pub struct Beside<'a> {
    real: &'a Real,
    /// The service.
    pub id: ServiceId,
    /// Its name, which is its address in the network.
    pub name: String,
}

impl<'a> Beside<'a> {
    /// Makes one and starts it. The first time its image is built, however long that takes.
    pub async fn start(real: &'a Real, kind: &str) -> Result<Self> {
        let path = format!("/applications/{}/services", real.view().await?.summary.application_id);
        let made: ServiceView = real.ada.json(Method::POST, &path, Some(json!({ "kind": kind }))).await?;
        let beside = Self { real, id: made.summary.id, name: made.summary.name };
        if beside.ask("/start").await.is_err() {
            real.ada.wait_state(beside.id, ServiceState::Running).await?;
        }
        Ok(beside)
    }

    /// Asks for something and waits until it is done.
    pub async fn ask(&self, end: &str) -> Result<()> {
        self.real.ada.accepted(Method::POST, &format!("/services/{}{end}", self.id), None).await.map(drop)
    }

    /// Asks for something without waiting.
    pub async fn ask_only(&self, end: &str) -> Result<()> {
        let path = format!("/services/{}{end}", self.id);
        self.real.ada.json::<serde_json::Value>(Method::POST, &path, None).await.map(drop)
    }

    /// Asks for so many of a role and waits until they are there.
    pub async fn scale(&self, role: &str, count: u32) -> Result<()> {
        let body = json!({ "roles": { role: count } });
        self.real.ada.accepted(Method::PUT, &format!("/services/{}/scale", self.id), Some(body)).await.map(drop)
    }

    /// The password that clients use.
    pub async fn password(&self) -> Result<String> {
        let path = format!("/services/{}/access", self.id);
        let access: AccessView = self.real.ada.json(Method::GET, &path, None).await?;
        access.offers.into_iter().find(|offer| offer.name == "PASSWORD").map(|o| o.value).context("there is a password")
    }

    /// Name of the container that runs a role.
    pub async fn container(&self, role: &str) -> Result<String> {
        let view = self.real.ada.service(self.id).await?;
        let instance = view.instances.iter().find(|one| one.roles.iter().any(|each| each.role == role));
        let short = &instance.with_context(|| format!("nothing runs {role}"))?.short;
        self.real.home.containers()?.into_iter().find(|name| name.ends_with(short)).context("its container exists")
    }

    /// Removes it with its data.
    pub async fn remove(&self) -> Result<()> {
        let path = format!("/services/{}", self.id);
        self.real.ada.accepted(Method::DELETE, &path, None).await.map(drop)
    }
}

/// The clients, in the application's network; dropped, they are removed.
pub struct Clients {
    id: String,
    /// The network.
    pub network: String,
}

impl Clients {
    /// Starts them.
    pub async fn open(real: &Real) -> Result<Self> {
        let folder = table::root().join("bench/tools").display().to_string();
        docker(&["build", "--quiet", "--tag", IMAGE, &folder]).await?;
        let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}";
        let network = inspect(&real.proxy_container().await?, format).await?;
        let id = docker(&["run", "--detach", "--init", "--network", &network, IMAGE, "sleep", "3600"]).await?;
        Ok(Self { id, network })
    }

    /// Runs a line of shell; gives what it writes.
    pub async fn run(&self, script: &str) -> Result<String> {
        docker(&["exec", &self.id, "sh", "-c", script]).await
    }

    /// When a query was answered first. The same program, as often, for both sides. An attempt is short: one that is made when the
    /// name is known already, but nobody listens yet, waits a second before it tries again.
    pub async fn first_query(&self, host: &str, port: u16, password: &str, limit: Duration) -> Result<Instant> {
        let script = format!(
            "end=$(($(date +%s) + {})); until timeout 0.3 mariadb -h {host} -P {port} -u app -p{password} \
             -e 'select 1' app >/dev/null 2>&1; do [ $(date +%s) -lt $end ] || exit 1; sleep 0.01; done",
            limit.as_secs()
        );
        self.run(&script).await?;
        Ok(Instant::now())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker").args(["rm", "--force", &self.id]).output();
    }
}
