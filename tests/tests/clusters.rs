//! Data on several instances: clusters grow, shrink, crash and stop while somebody writes, and nothing that was
//! acknowledged is lost.

use aerie_domain::{ServiceId, ServiceState, views::ServiceView};
use aerie_tests::{Api, Installation, Sample, Visitor, Writer, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::BTreeSet,
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

/// A site that uses one service, and that service.
struct Shop<'a> {
    home: &'a Installation,
    ada: Api,
    data: ServiceId,
    address: String,
    visitor: reqwest::Client,
}

impl<'a> Shop<'a> {
    async fn open(home: &'a Installation, kind: &str, code: &str) -> Result<Self> {
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
    async fn kept(&self) -> Result<BTreeSet<u64>> {
        until("the data to be readable", Duration::from_secs(90), || async {
            let response = self.visitor.get(&self.address).send().await.map_err(|error| error.to_string())?;
            let text = response.text().await.map_err(|error| error.to_string())?;
            let numbers = text.strip_suffix("end").ok_or_else(|| text.clone())?;
            numbers.split_whitespace().map(|number| number.parse().map_err(|_| text.clone())).collect()
        })
        .await
    }

    async fn ask(&self, method: Method, end: &str, body: Option<serde_json::Value>) -> Result<()> {
        let begun = Instant::now();
        let what = format!("{method} {end} {}", body.as_ref().map(ToString::to_string).unwrap_or_default());
        self.ada.accepted(method, &format!("/services/{}{end}", self.data), body).await?;
        eprintln!("{what}: {:?}", begun.elapsed());
        Ok(())
    }

    async fn scale(&self, role: &str, count: u32) -> Result<()> {
        self.ask(Method::PUT, "/scale", Some(json!({ "roles": { role: count } }))).await
    }

    /// Containers of the service in which a role runs.
    async fn containers_of(&self, role: &str) -> Result<Vec<String>> {
        let view = self.ada.service(self.data).await?;
        let names = self.home.containers()?;
        let holds =
            |short: &str| view.instances.iter().any(|i| i.short == short && i.roles.iter().any(|r| r.role == role));
        Ok(names.into_iter().filter(|name| name.rsplit('-').next().is_some_and(holds)).collect())
    }

    fn kill(&self, names: &[String]) -> Result<()> {
        ensure!(!names.is_empty(), "nothing to kill");
        let mut arguments = vec!["kill", "--signal", "KILL"];
        arguments.extend(names.iter().map(String::as_str));
        self.home.docker(&arguments).map(drop)
    }

    /// Waits until the service has noticed a crash and is well again.
    async fn wait_well(&self) -> Result<()> {
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
    async fn wait_written(&self, writer: &Writer) -> Result<()> {
        let before = writer.so_far().acknowledged.len();
        until("somebody to write again", Duration::from_secs(90), || async {
            let now = writer.so_far();
            if now.acknowledged.len() > before { Ok(()) } else { Err(now.summary()) }
        })
        .await
    }
}

/// What every server says of its cluster: how many it sees, and whether it has everything.
async fn galera(shop: &Shop<'_>) -> Result<Vec<String>> {
    let status = "show global status where variable_name in ('wsrep_cluster_size', 'wsrep_local_state_comment')";
    let mut all = Vec::new();
    for name in shop.containers_of("mysql").await? {
        let client = "--defaults-file=/run/aerie/mysql/client.cnf";
        let said = shop.home.docker(&["exec", &name, "mariadb", client, "-N", "-B", "-e", status])?;
        all.push(said.split_whitespace().skip(1).step_by(2).collect::<Vec<_>>().join(" "));
    }
    Ok(all)
}

#[tokio::test]
async fn a_database_grows_and_shrinks_and_crashes_without_losing_a_row() -> Result<()> {
    let home = Installation::start("galera").await?;
    let shop = Shop::open(&home, "mysql", TO_MYSQL).await?;
    let view = shop.ada.service(shop.data).await?;
    ensure!(view.summary.instances == 1, "it begins with one instance: {:?}", view.instances);

    let writer = Writer::start(&shop.address)?;
    shop.wait_written(&writer).await?;
    shop.scale("mysql", 3).await?;
    ensure!(galera(&shop).await? == ["Synced 3"; 3], "{:?}", galera(&shop).await?);
    eprintln!("1 to 3: {}", writer.so_far().summary());
    writer.so_far().is_in(&shop.kept().await?, "after 1 to 3")?;

    // One of three: the others go on.
    let victim = shop.containers_of("mysql").await?.into_iter().next().context("there are three")?;
    shop.kill(&[victim])?;
    shop.wait_well().await?;
    ensure!(galera(&shop).await? == ["Synced 3"; 3], "{:?}", galera(&shop).await?);
    eprintln!("one killed: {}", writer.so_far().summary());

    // All at once: the one that has most begins.
    shop.kill(&shop.containers_of("mysql").await?)?;
    shop.wait_well().await?;
    shop.wait_written(&writer).await?;
    ensure!(galera(&shop).await? == ["Synced 3"; 3], "{:?}", galera(&shop).await?);
    eprintln!("all killed: {}", writer.so_far().summary());
    writer.so_far().is_in(&shop.kept().await?, "after all were killed")?;

    // Settings reach all of them while they run.
    shop.ask(Method::PUT, "/settings", Some(json!({ "settings": { "innodb_buffer_pool_size": "64M" } }))).await?;

    shop.ask(Method::POST, "/stop", None).await?;
    shop.ask(Method::POST, "/start", None).await?;
    shop.wait_written(&writer).await?;
    ensure!(galera(&shop).await? == ["Synced 3"; 3], "{:?}", galera(&shop).await?);

    shop.scale("mysql", 1).await?;
    shop.wait_written(&writer).await?;
    let view = shop.ada.service(shop.data).await?;
    ensure!(view.summary.instances == 1, "and it ends with one: {:?}", view.instances);
    let written = writer.finish().await;
    eprintln!("at the end: {}", written.summary());
    written.is_in(&shop.kept().await?, "at the end")?;
    Ok(())
}

/// Asks the Redis in a container something as the platform.
fn redis(shop: &Shop<'_>, container: &str, what: &str) -> Result<String> {
    let ask = format!("REDISCLI_AUTH=$(cat /run/aerie/store/control) timeout 2 redis-cli --user aerie {what}");
    shop.home.docker(&["exec", container, "sh", "-c", &ask])
}

/// How many nodes of the cluster have a part of the key space, as the first container says.
async fn masters(shop: &Shop<'_>) -> Result<usize> {
    let name = shop.containers_of("store").await?.into_iter().next().context("there is a node")?;
    Ok(redis(shop, &name, "cluster nodes")?.lines().filter(|line| line.contains("connected ")).count())
}

/// Containers of nodes that have a part of the key space, and of their replicas.
async fn parts_and_copies(shop: &Shop<'_>) -> Result<(Vec<String>, Vec<String>)> {
    let (mut parts, mut copies) = (Vec::new(), Vec::new());
    for name in shop.containers_of("store").await? {
        let said = redis(shop, &name, "info replication")?;
        if said.contains("role:master") && said.contains("connected_slaves:1") {
            parts.push(name);
        } else if said.contains("role:slave") && said.contains("master_link_status:up") {
            copies.push(name);
        }
    }
    Ok((parts, copies))
}

/// Waits until three nodes have a part each and the three others are their replicas.
async fn paired(shop: &Shop<'_>) -> Result<Vec<String>> {
    until("three pairs", Duration::from_secs(60), || async {
        let (parts, copies) = parts_and_copies(shop).await.map_err(|error| format!("{error:#}"))?;
        if parts.len() == 3 && copies.len() == 3 { Ok(parts) } else { Err(format!("{parts:?} {copies:?}")) }
    })
    .await
}

#[tokio::test]
async fn a_store_is_spread_over_nodes_and_brought_together_without_losing_a_key() -> Result<()> {
    let home = Installation::start("spread").await?;
    let shop = Shop::open(&home, "keyvalue", TO_KEYVALUE).await?;
    let writer = Writer::start(&shop.address)?;
    shop.wait_written(&writer).await?;

    shop.scale("store", 3).await?;
    ensure!(masters(&shop).await? == 3, "three nodes share the keys");
    shop.wait_written(&writer).await?;
    eprintln!("1 to 3: {}", writer.so_far().summary());
    writer.so_far().is_in(&shop.kept().await?, "after 1 to 3")?;

    // All at once: their addresses may be others afterwards.
    shop.kill(&shop.containers_of("store").await?)?;
    shop.wait_well().await?;
    shop.wait_written(&writer).await?;
    eprintln!("all killed: {}", writer.so_far().summary());
    writer.so_far().is_in(&shop.kept().await?, "after all were killed")?;

    // Stopped with three and started with one: the others come back to hand over what they have.
    shop.ask(Method::POST, "/stop", None).await?;
    shop.scale("store", 1).await?;
    shop.ask(Method::POST, "/start", None).await?;
    shop.wait_written(&writer).await?;
    let view = shop.ada.service(shop.data).await?;
    ensure!(view.summary.instances == 1, "one is left: {:?}", view.instances);
    let written = writer.finish().await;
    eprintln!("at the end: {}", written.summary());
    written.is_in(&shop.kept().await?, "at the end")?;
    Ok(())
}

#[tokio::test]
async fn replicas_take_over_and_whoever_comes_back_holds_copies() -> Result<()> {
    let home = Installation::start("replicas").await?;
    let shop = Shop::open(&home, "keyvalue", TO_KEYVALUE).await?;
    shop.ask(Method::PUT, "/settings", Some(json!({ "settings": { "replicas": "on" } }))).await?;
    let writer = Writer::start(&shop.address)?;
    // First the parts, which takes longest, then the copies.
    shop.scale("store", 3).await?;
    shop.scale("store", 6).await?;
    let parts = paired(&shop).await?;
    shop.wait_written(&writer).await?;
    eprintln!("1 to 6: {}", writer.so_far().summary());
    writer.so_far().is_in(&shop.kept().await?, "after 1 to 6")?;

    // One of the three stands still: its replica takes over before anybody notices that it has to be started again.
    let victim = parts.last().context("there are three")?;
    let told = redis(&shop, victim, "info server")?;
    let process = told.lines().find_map(|line| line.strip_prefix("process_id:")).context("a process")?;
    home.docker(&["exec", victim, "sh", "-c", &format!("kill -STOP {process}")])?;
    let begun = Instant::now();
    until("another node to take over", Duration::from_secs(30), || async {
        let others = shop.containers_of("store").await.map_err(|error| format!("{error:#}"))?;
        let other = others.into_iter().find(|name| name != victim).ok_or("there are six")?;
        let said = redis(&shop, &other, "cluster nodes").map_err(|error| format!("{error:#}"))?;
        let live = said.lines().filter(|line| line.contains(" connected ") && !line.contains("fail")).count();
        if live == 3 && said.contains("master,fail") { Ok(()) } else { Err(said) }
    })
    .await?;
    eprintln!("taken over after {:?}", begun.elapsed());
    shop.wait_written(&writer).await?;
    // Who comes back has the copies now.
    home.docker(&["exec", victim, "sh", "-c", &format!("kill -CONT {process}")])?;
    ensure!(!paired(&shop).await?.contains(victim), "what was taken over stays where it is");
    shop.ada.wait_state(shop.data, ServiceState::Running).await?;

    let written = writer.finish().await;
    eprintln!("at the end: {}", written.summary());
    written.is_in(&shop.kept().await?, "at the end")?;
    Ok(())
}
