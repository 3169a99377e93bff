//! A site that uses one service with data, and what tests do with that service: change it, kill it, look what it has kept.

use crate::{Api, Installation, Sample, Visitor, Writer, Written, until};
use aerie_domain::{
    OperationId, ServiceId, ServiceState,
    views::{Accepted, AccessView, OperationView, ServiceView},
};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Writes one row per request, on a connection of its own as PHP does, and lists all.
const TO_MYSQL: &str = r"<?php
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
    $db = new mysqli(getenv('DB_HOST'), getenv('DB_USER'), getenv('DB_PASSWORD'), getenv('DB_NAME'), (int) getenv('DB_PORT'));
    if (isset($_GET['id'])) {
        $id = (int) $_GET['id'];
        $db->query('insert into notes (id) values (' . $id . ')');
        echo 'ok ', $id;
    } else {
        $db->query('create table if not exists notes (id bigint primary key)');
        foreach ($db->query('select id from notes') as $row) {
            echo $row['id'], ' ';
        }
        echo 'end';
    }
} catch (mysqli_sql_exception $e) {
    http_response_code(500);
    echo 'error: ', $e->getMessage();
}
";

/// The same with a key for each number, whether there is one node or a cluster.
const TO_KEYVALUE: &str = r"<?php
function kv() {
    $host = getenv('KV_HOST') . ':' . getenv('KV_PORT');
    try {
        return new RedisCluster(null, [$host], 2, 2, false, getenv('KV_PASSWORD'));
    } catch (RedisClusterException) {
        $kv = new Redis();
        $kv->connect(getenv('KV_HOST'), (int) getenv('KV_PORT'), 2);
        $kv->auth(getenv('KV_PASSWORD'));
        return $kv;
    }
}
try {
    $kv = kv();
    if (isset($_GET['id'])) {
        $id = (int) $_GET['id'];
        if (!$kv->set('note:' . $id, 'x')) {
            throw new Exception('not set: ' . $kv->getLastError());
        }
        echo 'ok ', $id;
    } else {
        $nodes = $kv instanceof RedisCluster ? $kv->_masters() : [null];
        foreach ($nodes as $node) {
            foreach ($node === null ? $kv->keys('note:*') : node_keys($node) as $key) {
                echo substr($key, 5), ' ';
            }
        }
        echo 'end';
    }
} catch (Exception $e) {
    http_response_code(500);
    echo 'error: ', $e->getMessage();
}
function node_keys($node) {
    $one = new Redis();
    $one->connect($node[0], $node[1], 2);
    $one->auth(getenv('KV_PASSWORD'));
    return $one->keys('note:*');
}
";

/// The site, the service and the installation that both are on.
pub struct Shop {
    /// The installation.
    pub home: Installation,
    /// The owner.
    pub ada: Api,
    /// The service with data.
    pub data: ServiceId,
    /// Where the site answers, as [`Writer`] wants it.
    pub address: String,
    visitor: Client,
}

impl Shop {
    /// Opens one that keeps rows in a database.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn with_mysql(home: Installation) -> Result<Self> {
        Self::open(home, "mysql", TO_MYSQL).await
    }

    /// Opens one that keeps keys in a store.
    ///
    /// # Errors
    /// As above.
    pub async fn with_keyvalue(home: Installation) -> Result<Self> {
        Self::open(home, "keyvalue", TO_KEYVALUE).await
    }

    async fn open(home: Installation, kind: &str, code: &str) -> Result<Self> {
        let ada = home.api().register("ada").await?;
        let site = ada.application_with("shop", "php").await?;
        let path = format!("/applications/{}/services", site.summary.application_id);
        let form = json!({ "kind": kind, "name": "db" });
        let data: ServiceView = ada.json(Method::POST, &path, Some(form)).await?;
        let address = site.summary.address.clone().context("php has a public address")?;
        let visitor = Visitor::browser_like(&address)?;
        let (site, data) = (site.summary.id, data.summary.id);
        ada.accepted(Method::PUT, &format!("/services/{site}/bindings/{data}"), Some(json!({}))).await?;
        ada.accepted(Method::POST, &format!("/services/{data}/start"), None).await?;
        ada.accepted(Method::POST, &format!("/services/{site}/start"), None).await?;
        let files = vec![("index.php", code.to_owned())];
        let version = ada.upload(site, "shop.tar.gz", Sample { files }.tar_gz()?).await?;
        let form = json!({ "version_id": version.id });
        ada.accepted(Method::POST, &format!("/services/{site}/activate"), Some(form)).await?;
        let shop = Self { home, ada, data, address, visitor };
        shop.kept().await?;
        Ok(shop)
    }

    /// What is kept, when all of it can be read.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn kept(&self) -> Result<BTreeSet<u64>> {
        Self::kept_at(&self.visitor, &self.address, Duration::from_secs(90)).await
    }

    /// The same of a site that was opened by somebody else.
    ///
    /// # Errors
    /// When it takes longer than `limit`.
    pub async fn kept_at(visitor: &Client, address: &str, limit: Duration) -> Result<BTreeSet<u64>> {
        until("the data to be readable", limit, || async {
            let response = visitor.get(address).send().await.map_err(|error| error.to_string())?;
            let text = response.text().await.map_err(|error| error.to_string())?;
            let numbers = text.strip_suffix("end").ok_or_else(|| text.clone())?;
            numbers.split_whitespace().map(|number| number.parse().map_err(|_| text.clone())).collect()
        })
        .await
    }

    /// Waits until everything that was acknowledged is there. Whoever lists keys node by node while they move may miss some; what
    /// is lost does not come back.
    ///
    /// # Errors
    /// With what is missing.
    pub async fn keeps(&self, written: &Written, when: &str) -> Result<()> {
        until(when, Duration::from_secs(30), || async {
            let kept = self.kept().await.map_err(|error| format!("{error:#}"))?;
            written.is_in(&kept, when).map_err(|error| error.to_string())
        })
        .await
    }

    /// The end of a story: the service has shrunk to one instance, and what the writer was told is kept is there.
    ///
    /// # Errors
    /// With what is left, or missing.
    pub async fn ends_with_one(&self, writer: Writer) -> Result<()> {
        self.wait_written(&writer).await?;
        let view = self.ada.service(self.data).await?;
        ensure!(view.summary.instances == 1, "one is left: {:?}", view.instances);
        let written = writer.finish().await;
        eprintln!("at the end: {}", written.summary());
        self.keeps(&written, "at the end").await
    }

    /// Asks the service for something and waits for it.
    ///
    /// # Errors
    /// When it is refused or fails.
    pub async fn ask(&self, method: Method, end: &str, body: Option<Value>) -> Result<()> {
        let begun = Instant::now();
        let what = format!("{method} {end} {}", body.as_ref().map(ToString::to_string).unwrap_or_default());
        self.ada.accepted(method, &format!("/services/{}{end}", self.data), body).await?;
        eprintln!("{what}: {:?}", begun.elapsed());
        Ok(())
    }

    /// Asks for so many of a role and waits for them.
    ///
    /// # Errors
    /// As above.
    pub async fn scale(&self, role: &str, count: u32) -> Result<()> {
        self.ask(Method::PUT, "/scale", Some(json!({ "roles": { role: count } }))).await
    }

    /// Asks for them and does not wait.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn begin_to_scale(&self, role: &str, count: u32) -> Result<OperationId> {
        let form = json!({ "roles": { role: count } });
        let accepted: Accepted =
            self.ada.json(Method::PUT, &format!("/services/{}/scale", self.data), Some(form)).await?;
        Ok(accepted.operation.id)
    }

    /// Waits until what was asked for is done.
    ///
    /// # Errors
    /// When it fails or takes too long.
    pub async fn done(&self, operation: OperationId) -> Result<()> {
        until("the operation to be done", Duration::from_secs(180), || async {
            let path = format!("/operations/{operation}?wait=10s");
            let operation: OperationView =
                self.ada.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
            match operation.state.as_str() {
                "done" => Ok(()),
                state => Err(format!("{state}: {} {}", operation.progress, operation.error)),
            }
        })
        .await
    }

    /// One of the things that services that use this one get.
    ///
    /// # Errors
    /// When it is not offered.
    pub async fn offered(&self, name: &str) -> Result<String> {
        let access: AccessView = self.ada.json(Method::GET, &format!("/services/{}/access", self.data), None).await?;
        let offer = access.offers.into_iter().find(|offer| offer.name == name);
        offer.map(|offer| offer.value).with_context(|| format!("{name} is offered"))
    }

    /// What the page shows of the service now: the figure of this name.
    ///
    /// # Errors
    /// When the service cannot be read.
    pub async fn figure(&self, name: &str) -> Result<Option<f64>> {
        let figures = self.ada.service(self.data).await?.summary.figures;
        Ok(figures.into_iter().find(|figure| figure.spec.name == name).and_then(|figure| figure.value))
    }

    /// Containers of the service in which a role runs.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn containers_of(&self, role: &str) -> Result<Vec<String>> {
        let view = self.ada.service(self.data).await?;
        let names = self.home.containers()?;
        let holds =
            |short: &str| view.instances.iter().any(|i| i.short == short && i.roles.iter().any(|r| r.role == role));
        Ok(names.into_iter().filter(|name| name.rsplit('-').next().is_some_and(holds)).collect())
    }

    /// The same by slot.
    ///
    /// # Errors
    /// When one of them does not know its slot (yet).
    pub async fn by_slot(&self, role: &str) -> Result<BTreeMap<u32, String>> {
        let mut found = BTreeMap::new();
        for name in self.containers_of(role).await? {
            let ask = format!(". /run/aerie/{role}/cluster && echo $slot");
            let slot = self.home.docker(&["exec", &name, "sh", "-c", &ask])?;
            found.insert(slot.trim().parse::<u32>().with_context(|| slot.clone())?, name);
        }
        Ok(found)
    }

    /// Kills containers as a crash would.
    ///
    /// # Errors
    /// When one does not run.
    pub fn kill(&self, names: &[String]) -> Result<()> {
        ensure!(!names.is_empty(), "nothing to kill");
        let mut arguments = vec!["kill", "--signal", "KILL"];
        arguments.extend(names.iter().map(String::as_str));
        self.home.docker(&arguments).map(drop)
    }

    /// Waits until the service has noticed a crash and is well again.
    ///
    /// # Errors
    /// When either takes too long.
    pub async fn wait_well(&self) -> Result<()> {
        let begun = Instant::now();
        until("the crash to be noticed", Duration::from_secs(20), || async {
            let view = self.ada.service(self.data).await.map_err(|error| error.to_string())?;
            if view.summary.state == ServiceState::Running { Err("RUNNING".to_owned()) } else { Ok(()) }
        })
        .await?;
        self.ada.wait_state(self.data, ServiceState::Running).await?;
        eprintln!("well again after {:?}", begun.elapsed());
        Ok(())
    }

    /// Waits until somebody has written since.
    ///
    /// # Errors
    /// When nobody does.
    pub async fn wait_written(&self, writer: &Writer) -> Result<()> {
        self.wait_written_more(writer, 1).await
    }

    /// Waits until somebody has written so much since.
    ///
    /// # Errors
    /// When nobody does.
    pub async fn wait_written_more(&self, writer: &Writer, more: usize) -> Result<()> {
        let wanted = writer.so_far().acknowledged.len() + more;
        until("somebody to write again", Duration::from_secs(90), || async {
            let now = writer.so_far();
            if now.acknowledged.len() >= wanted { Ok(()) } else { Err(now.summary()) }
        })
        .await
    }
}
