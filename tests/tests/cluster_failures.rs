//! Clusters that are in trouble while they change: a database server that is killed whenever it joins, one that misses rows before
//! all are killed, a store whose keys are on their way when a node and the director are killed. What was acknowledged is there
//! afterwards, what was asked for is reached, and another user's service beside it misses no request meanwhile.

use aerie_domain::ServiceId;
use aerie_tests::{Api, Installation, Shop, Visitor, Writer, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Longest time that somebody asks the service next door.
const LONGEST_VISIT: Duration = Duration::from_secs(400);
/// Longest wait for one thing to happen in a cluster: seconds, on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longest pause of a writer while a server that joins is killed. The others agree within 5 s that it is gone; the rest is for
/// machines that are busy.
const PAUSE: Duration = Duration::from_secs(20);
/// Rows that a server misses.
const MISSED: usize = 20;
/// Parts of the key space of a store.
const PARTS: u32 = 16_384;
/// Keys that are moved beside those of the writer. Many more, and moving takes longer than it has to.
const STOCK: usize = 2000;

/// Somebody else's service on the same machine, which is asked all the time.
struct Neighbour {
    eve: Api,
    id: ServiceId,
    visitors: Visitor,
}

impl Neighbour {
    async fn moves_in(home: &Installation) -> Result<Self> {
        let eve = home.api().register("eve").await?;
        let id = eve.application_with("hi", "helloworld").await?.summary.id;
        eve.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
        let address = eve.service(id).await?.summary.address.context("an address")?;
        let visitors = Visitor::keep_asking_for(&address, 2, LONGEST_VISIT)?;
        Ok(Self { eve, id, visitors })
    }

    async fn noticed_nothing(self) -> Result<()> {
        self.visitors.finish_without_loss(100, &self.eve, self.id).await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_join_disturbs_nobody_and_the_most_advanced_one_begins() -> Result<()> {
    let shop = Shop::with_mysql(Installation::start("joins").await?).await?;
    let neighbour = Neighbour::moves_in(&shop.home).await?;
    shop.scale("mysql", 3).await?;
    let writer = Writer::start(&shop.address)?;
    shop.wait_written(&writer).await?;
    a_fourth_is_killed_whenever_it_joins(&shop, &writer).await?;
    all_are_killed_when_the_first_has_missed_rows(&shop, writer).await?;
    neighbour.noticed_nothing().await
}

/// The others go on, the page says what is wrong, and the fourth server is there as soon as it is left alone.
async fn a_fourth_is_killed_whenever_it_joins(shop: &Shop, writer: &Writer) -> Result<()> {
    let before = shop.containers_of("mysql").await?;
    let operation = shop.begin_to_scale("mysql", 4).await?;
    let fourth = until("a fourth server", PATIENCE, || async {
        let now = shop.containers_of("mysql").await.map_err(|e| e.to_string())?;
        now.iter().find(|name| !before.contains(*name)).cloned().ok_or_else(|| format!("{now:?}"))
    })
    .await?;
    for _ in 0..2 {
        until("it to be on its way into the cluster", PATIENCE, || async {
            // Said of nobody but this one, whether the others have forgotten its predecessor or not.
            let told =
                shop.home.docker(&["exec", &fourth, "cat", "/run/aerie/mysql/told"]).map_err(|e| e.to_string())?;
            let others = shop.galera_of(&before[0]).map_err(|e| e.to_string())?;
            let joins = told.contains("joining") || told.contains("ready");
            if joins && others.ends_with(" 4") { Ok(()) } else { Err(format!("{told}, the others: {others}")) }
        })
        .await?;
        shop.kill(std::slice::from_ref(&fourth))?;
    }
    let short = fourth.rsplit('-').next().unwrap_or_default();
    let reason = until("the reason on the page", PATIENCE, || async {
        let view = shop.ada.service(shop.data).await.map_err(|e| e.to_string())?;
        let reason = view.summary.reason;
        if reason.contains(short) && reason.contains("killed") { Ok(reason) } else { Err(reason) }
    })
    .await?;
    shop.done(operation).await?;
    shop.wait_synced(4).await?;
    shop.wait_written(writer).await?;
    let seen = writer.so_far();
    eprintln!("killed twice while it joined: {}; the page said: {reason}", seen.summary());
    ensure!(seen.longest_pause.0 < PAUSE, "the writer was disturbed: {}", seen.summary());
    Ok(())
}

/// The server in slot 0, which would begin if all were equal, stands still while the others go on.
async fn all_are_killed_when_the_first_has_missed_rows(shop: &Shop, writer: Writer) -> Result<()> {
    let servers = shop.by_slot("mysql").await?;
    let (behind, ahead) = (servers.get(&0).context("slot 0")?, servers.get(&1).context("slot 1")?);
    // All of its processes: what tells the balancer how it is as well.
    shop.home.docker(&["exec", behind, "sh", "-c", "kill -STOP -$(cat /run/aerie/mysql/mysqld.pid)"])?;
    until("the others to go on without it", PATIENCE, || async {
        let seen = shop.galera_of(ahead).map_err(|e| e.to_string())?;
        if seen == "Synced 3" { Ok(()) } else { Err(seen) }
    })
    .await?;
    shop.wait_written_more(&writer, MISSED).await?;
    shop.kill(&servers.values().cloned().collect::<Vec<_>>())?;
    shop.wait_well().await?;
    shop.wait_synced(4).await?;
    shop.wait_written(&writer).await?;
    let written = writer.finish().await;
    eprintln!("all killed when one had missed rows: {}", written.summary());

    let mut rows: Vec<BTreeSet<u64>> = Vec::new();
    for name in shop.containers_of("mysql").await? {
        let found = shop.rows_of(&name)?;
        written.is_in(&found, &name)?;
        rows.push(found);
    }
    let counts: Vec<usize> = rows.iter().map(BTreeSet::len).collect();
    ensure!(rows.len() == 4 && rows.iter().all(|found| *found == rows[0]), "not the same rows everywhere: {counts:?}");
    shop.keeps(&written, "on the page").await
}

/// How many parts of the key space each slot's node has, as one of them says.
fn owned(nodes: &str) -> BTreeMap<u32, u32> {
    let parts = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<u32>().ok()? - first.parse::<u32>().ok()? + 1)
    };
    let node = |line: &str| {
        let mut words = line.split_whitespace();
        let slot = words.nth(1)?.split_once(",store-")?.1.split('.').next()?.parse::<u32>().ok()?;
        // What is on its way is in brackets.
        Some((slot, words.skip(6).filter(|range| !range.starts_with('[')).filter_map(parts).sum::<u32>()))
    };
    nodes.lines().filter_map(node).filter(|(_, parts)| *parts > 0).collect()
}

/// Waits until so many nodes have all parts among them, nothing is on its way, and all of them say so.
async fn wait_complete(shop: &Shop, nodes: usize) -> Result<()> {
    until(&format!("{nodes} nodes with all parts"), PATIENCE, || async {
        let names = shop.containers_of("store").await.map_err(|e| e.to_string())?;
        for name in &names {
            let said = shop.redis(name, "cluster nodes").map_err(|e| e.to_string())?;
            let state = shop.redis(name, "cluster info").map_err(|e| e.to_string())?;
            let parts = owned(&said);
            let whole = parts.len() == nodes && parts.values().sum::<u32>() == PARTS && !said.contains('[');
            if !whole || !state.contains("cluster_state:ok") || !state.contains("cluster_slots_ok:16384") {
                return Err(format!("{name}: {said} {state}"));
            }
        }
        if names.len() == nodes { Ok(()) } else { Err(format!("{names:?}")) }
    })
    .await
}

/// Keys of the stock that are somewhere in the store.
async fn in_stock(shop: &Shop) -> Result<usize> {
    let mut keys = BTreeSet::new();
    for name in shop.containers_of("store").await? {
        keys.extend(shop.redis(&name, "keys 'stock:*'")?.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(keys.len())
}

/// Waits until all of the stock is there (see [`Shop::keeps`]).
async fn wait_for_stock(shop: &Shop) -> Result<()> {
    until("the stock", PATIENCE, || async {
        let keys = in_stock(shop).await.map_err(|error| format!("{error:#}"))?;
        if keys == STOCK { Ok(()) } else { Err(format!("{keys} of {STOCK} are in stock")) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_keeps_its_keys_when_moving_them_is_interrupted_and_when_replicas_leave() -> Result<()> {
    let mut shop = Shop::with_keyvalue(Installation::start("moves").await?).await?;
    let neighbour = Neighbour::moves_in(&shop.home).await?;
    let first = shop.containers_of("store").await?.into_iter().next().context("there is a node")?;
    let stock = format!("eval \"for i = 1, {STOCK} do redis.call('set', 'stock:' .. i, i) end\" 0");
    shop.redis(&first, &stock)?;
    wait_for_stock(&shop).await?;
    let writer = Writer::start(&shop.address)?;
    shop.wait_written(&writer).await?;

    moving_is_interrupted(&mut shop, &first).await?;
    shop.wait_written(&writer).await?;
    eprintln!("1 to 3, interrupted: {}", writer.so_far().summary());
    shop.keeps(&writer.so_far(), "after 1 to 3").await?;
    wait_for_stock(&shop).await?;
    half_a_move_is_ended(&shop, &first, "known", true).await?;
    half_a_move_is_ended(&shop, &first, "unknown", false).await?;
    an_arrival_is_told(&shop, "arrived").await?;

    // Three nodes get a replica each, the replicas go, and then two of the nodes.
    shop.ask(Method::PUT, "/settings", Some(json!({ "settings": { "replicas": "on" } }))).await?;
    shop.scale("store", 6).await?;
    shop.paired().await?;
    shop.scale("store", 3).await?;
    wait_complete(&shop, 3).await?;
    shop.wait_written(&writer).await?;
    eprintln!("3 to 6 and back: {}", writer.so_far().summary());
    shop.keeps(&writer.so_far(), "after 6 to 3").await?;
    leaving_is_interrupted(&mut shop).await?;
    shop.ends_with_one(writer).await?;
    wait_for_stock(&shop).await?;
    neighbour.noticed_nothing().await
}

/// A move was interrupted when one key had gone, one had not, and one was at both nodes: what the owner of the part did to that since
/// then is what counts. With `known`, the owner still knows of the move; otherwise only the other node does.
async fn half_a_move_is_ended(shop: &Shop, first: &str, tag: &str, known: bool) -> Result<()> {
    let part = shop.redis(first, &format!("cluster keyslot {{{tag}}}"))?.trim().to_owned();
    let (mut owner, mut others) = (None, Vec::new());
    for name in shop.containers_of("store").await? {
        match shop.redis(&name, &format!("set '{{{tag}}}kept' 1"))?.trim() {
            "OK" => owner = Some(name),
            _ => others.push(name),
        }
    }
    let (owner, other) = (owner.context("somebody has the part")?, others.pop().context("another one")?);
    let id = |name: &str| anyhow::Ok(shop.redis(name, "cluster myid")?.trim().to_owned());
    let (owner_id, other_id) = (id(&owner)?, id(&other)?);
    shop.redis(&owner, &format!("set '{{{tag}}}both' newer"))?;
    shop.redis(&other, &format!("cluster setslot {part} importing {owner_id}"))?;
    let keys = format!("printf 'asking\\nset {{{tag}}}both older\\nasking\\nset {{{tag}}}gone 1\\n'");
    let ask = "REDISCLI_AUTH=$(cat /run/aerie/store/control) redis-cli --user aerie";
    shop.home.docker(&["exec", &other, "sh", "-c", &format!("{keys} | {ask}")])?;
    if known {
        shop.redis(&owner, &format!("cluster setslot {part} migrating {other_id}"))?;
    }
    wait_complete(shop, 3).await?;
    let get = |key: &str| anyhow::Ok(shop.redis(&owner, &format!("-c get '{{{tag}}}{key}'"))?.trim().to_owned());
    let found = (get("kept")?, get("both")?, get("gone")?);
    ensure!(found == ("1".to_owned(), "newer".to_owned(), "1".to_owned()), "{tag} {known}: {found:?}");
    Ok(())
}

/// A part has arrived, but who gave it was not told and still says that it is on its way.
async fn an_arrival_is_told(shop: &Shop, tag: &str) -> Result<()> {
    let names = shop.containers_of("store").await?;
    let first = names.first().context("a node")?;
    let part = shop.redis(first, &format!("cluster keyslot {{{tag}}}"))?.trim().to_owned();
    let (mut owner, mut others) = (None, Vec::new());
    for name in names {
        let said = shop.redis(&name, &format!("get '{{{tag}}}nothing'"))?;
        if said.contains("MOVED") { others.push(name) } else { owner = Some(name) }
    }
    let (owner, other) = (owner.context("somebody has the part")?, others.pop().context("another one")?);
    let id = |name: &str| anyhow::Ok(shop.redis(name, "cluster myid")?.trim().to_owned());
    let (owner_id, other_id) = (id(&owner)?, id(&other)?);
    // At once, or the one in slot 0 ends it in between.
    let ask = "REDISCLI_AUTH=$(cat /run/aerie/store/control) redis-cli --user aerie";
    let take = format!("cluster setslot {part} importing {owner_id}\\ncluster setslot {part} node {other_id}\\n");
    shop.redis(&owner, &format!("cluster setslot {part} migrating {other_id}"))?;
    shop.home.docker(&["exec", &other, "sh", "-c", &format!("printf '{take}' | {ask}")])?;
    wait_complete(shop, 3).await
}

/// While keys are moved to two new nodes, the director and the node that gets them are killed.
async fn moving_is_interrupted(shop: &mut Shop, first: &str) -> Result<()> {
    let operation = shop.begin_to_scale("store", 3).await?;
    let victim = who_gets_keys(shop, first).await?;
    shop.home.kill_director()?;
    shop.kill(&[victim])?;
    let left = owned(&shop.redis(first, "cluster nodes")?).remove(&0).unwrap_or_default();
    ensure!(left > PARTS / 3 + 1, "it came too late: the first node has only {left} parts left");
    shop.home.restart_director().await?;
    shop.done(operation).await?;
    wait_complete(shop, 3).await
}

/// While two nodes hand their keys over to the first one, that one, which moves them, and the director are killed.
async fn leaving_is_interrupted(shop: &mut Shop) -> Result<()> {
    let first = shop.by_slot("store").await?.remove(&0).context("the first node")?;
    let operation = shop.begin_to_scale("store", 1).await?;
    let back = until("parts to come back", PATIENCE, || async {
        let said = shop.redis(&first, "cluster nodes").map_err(|e| e.to_string())?;
        let back = owned(&said).remove(&0).unwrap_or_default();
        if back > PARTS / 3 + 100 { Ok(back) } else { Err(said) }
    })
    .await?;
    shop.kill(&[first])?;
    shop.home.kill_director()?;
    ensure!(back < PARTS - 100, "it came too late: the first node has {back} parts again");
    shop.home.restart_director().await?;
    shop.done(operation).await
}

/// Waits until keys are on their way from the first node; gives the container of the one that gets them.
async fn who_gets_keys(shop: &Shop, first: &str) -> Result<String> {
    let mut nodes = until("three nodes", PATIENCE, || async {
        let nodes = shop.by_slot("store").await.map_err(|e| e.to_string())?;
        if nodes.len() == 3 { Ok(nodes) } else { Err(format!("{nodes:?}")) }
    })
    .await?;
    let slot = until("keys to be on their way", PATIENCE, || async {
        let said = shop.redis(first, "cluster nodes").map_err(|e| e.to_string())?;
        // The one that has least got its first part last.
        let new = owned(&said).into_iter().filter(|(slot, _)| *slot != 0);
        new.min_by_key(|(_, parts)| *parts).map(|(slot, _)| slot).ok_or(said)
    })
    .await?;
    nodes.remove(&slot).context("its container")
}
