//! Data on several instances: clusters grow, shrink, crash and stop while somebody writes, and nothing that was
//! acknowledged is lost.

use aerie_domain::ServiceState;
use aerie_tests::{Installation, Shop, Writer, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

/// Waits until the page shows so many database servers, all of them in sync. Figures are told every five seconds.
async fn shows(shop: &Shop, servers: u32) -> Result<()> {
    until(&format!("figures of {servers} servers"), Duration::from_secs(60), || async {
        let mut told = Vec::new();
        for name in ["servers", "in_sync", "queue"] {
            told.push(shop.figure(name).await.map_err(|error| format!("{error:#}"))?);
        }
        let all = Some(f64::from(servers));
        if told[0] == all && told[1] == all && told[2].is_some() { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await
}

#[tokio::test]
async fn a_database_grows_and_shrinks_and_crashes_without_losing_a_row() -> Result<()> {
    let shop = Shop::with_mysql(Installation::start("galera").await?).await?;
    let view = shop.ada.service(shop.data).await?;
    ensure!(view.summary.instances == 1, "it begins with one instance: {:?}", view.instances);

    let writer = Writer::start(&shop.address)?;
    shop.wait_written(&writer).await?;
    shop.scale("mysql", 3).await?;
    ensure!(shop.galera().await? == ["Synced 3"; 3], "{:?}", shop.galera().await?);
    eprintln!("1 to 3: {}", writer.so_far().summary());
    shop.keeps(&writer.so_far(), "after 1 to 3").await?;
    shows(&shop, 3).await?;

    // One of three: the others go on.
    let victim = shop.containers_of("mysql").await?.into_iter().next().context("there are three")?;
    shop.kill(&[victim])?;
    shop.wait_well().await?;
    ensure!(shop.galera().await? == ["Synced 3"; 3], "{:?}", shop.galera().await?);
    eprintln!("one killed: {}", writer.so_far().summary());

    // All at once: the one that has most begins.
    shop.kill(&shop.containers_of("mysql").await?)?;
    shop.wait_well().await?;
    shop.wait_written(&writer).await?;
    ensure!(shop.galera().await? == ["Synced 3"; 3], "{:?}", shop.galera().await?);
    eprintln!("all killed: {}", writer.so_far().summary());
    shop.keeps(&writer.so_far(), "after all were killed").await?;

    // Settings reach all of them while they run.
    shop.ask(Method::PUT, "/settings", Some(json!({ "settings": { "innodb_buffer_pool_size": "64M" } }))).await?;

    shop.ask(Method::POST, "/stop", None).await?;
    shop.ask(Method::POST, "/start", None).await?;
    shop.wait_written(&writer).await?;
    ensure!(shop.galera().await? == ["Synced 3"; 3], "{:?}", shop.galera().await?);

    shop.scale("mysql", 1).await?;
    shop.ends_with_one(writer).await?;
    shows(&shop, 1).await
}

/// How many nodes of the cluster have a part of the key space, as the first container says.
async fn masters(shop: &Shop) -> Result<usize> {
    let name = shop.containers_of("store").await?.into_iter().next().context("there is a node")?;
    Ok(shop.redis(&name, "cluster nodes")?.lines().filter(|line| line.contains("connected ")).count())
}

#[tokio::test]
async fn a_store_is_spread_over_nodes_and_brought_together_without_losing_a_key() -> Result<()> {
    let shop = Shop::with_keyvalue(Installation::start("spread").await?).await?;
    let writer = Writer::start(&shop.address)?;
    shop.wait_written(&writer).await?;

    shop.scale("store", 3).await?;
    ensure!(masters(&shop).await? == 3, "three nodes share the keys");
    shop.wait_written(&writer).await?;
    eprintln!("1 to 3: {}", writer.so_far().summary());
    shop.keeps(&writer.so_far(), "after 1 to 3").await?;

    // The command on the page finds the keys of every node.
    let command = shop.offered("COMMAND").await?;
    let node = shop.containers_of("store").await?.into_iter().next().context("there is a node")?;
    for id in writer.so_far().acknowledged.iter().take(4) {
        let said = shop.home.docker(&["exec", &node, "sh", "-c", &format!("{command} get note:{id}")])?;
        ensure!(said.lines().any(|line| line == "x"), "{said}");
    }

    // All at once: their addresses may be others afterwards.
    shop.kill(&shop.containers_of("store").await?)?;
    shop.wait_well().await?;
    shop.wait_written(&writer).await?;
    eprintln!("all killed: {}", writer.so_far().summary());
    shop.keeps(&writer.so_far(), "after all were killed").await?;

    // Stopped with three and started with one: the others come back to hand over what they have.
    shop.ask(Method::POST, "/stop", None).await?;
    shop.scale("store", 1).await?;
    shop.ask(Method::POST, "/start", None).await?;
    shop.ends_with_one(writer).await?;
    Ok(())
}

#[tokio::test]
async fn replicas_take_over_and_whoever_comes_back_holds_copies() -> Result<()> {
    let shop = Shop::with_keyvalue(Installation::start("replicas").await?).await?;
    shop.ask(Method::PUT, "/settings", Some(json!({ "settings": { "replicas": "on" } }))).await?;
    let writer = Writer::start(&shop.address)?;
    // First the parts, which takes longest, then the copies.
    shop.scale("store", 3).await?;
    shop.scale("store", 6).await?;
    let parts = shop.paired().await?;
    shop.wait_written(&writer).await?;
    eprintln!("1 to 6: {}", writer.so_far().summary());
    shop.keeps(&writer.so_far(), "after 1 to 6").await?;

    // One of the three stands still: its replica takes over before anybody notices that it has to be started again.
    let victim = parts.last().context("there are three")?;
    let told = shop.redis(victim, "info server")?;
    let process = told.lines().find_map(|line| line.strip_prefix("process_id:")).context("a process")?;
    shop.home.docker(&["exec", victim, "sh", "-c", &format!("kill -STOP {process}")])?;
    let begun = Instant::now();
    until("another node to take over", Duration::from_secs(30), || async {
        let others = shop.containers_of("store").await.map_err(|error| format!("{error:#}"))?;
        let other = others.into_iter().find(|name| name != victim).ok_or("there are six")?;
        let said = shop.redis(&other, "cluster nodes").map_err(|error| format!("{error:#}"))?;
        let live = said.lines().filter(|line| line.contains(" connected ") && !line.contains("fail")).count();
        if live == 3 && said.contains("master,fail") { Ok(()) } else { Err(said) }
    })
    .await?;
    eprintln!("taken over after {:?}", begun.elapsed());
    shop.wait_written(&writer).await?;
    // Who comes back has the copies now.
    shop.home.docker(&["exec", victim, "sh", "-c", &format!("kill -CONT {process}")])?;
    ensure!(!shop.paired().await?.contains(victim), "what was taken over stays where it is");
    shop.ada.wait_state(shop.data, ServiceState::Running).await?;

    let written = writer.finish().await;
    eprintln!("at the end: {}", written.summary());
    shop.keeps(&written, "at the end").await?;
    Ok(())
}
