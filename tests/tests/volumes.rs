//! A volume of an application, by REST and with real containers: what a visitor uploads is there for all instances, and
//! outlives everything but the trash.

use aerie_domain::{
    Problem, ServiceId, ServiceState, VolumeId,
    views::{ApplicationView, InstanceState, InstanceView, ServiceView, VolumeFolderView, VolumeView},
};
use aerie_tests::{Api, Installation, Visitor, tar_gz, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::json;
use std::{collections::BTreeSet, fs, time::Duration};

/// Takes files, tells what is in one of them and which instance tells it.
const PAGE: &str = r"<?php
$file = '/data/uploads/' . basename($_GET['name'] ?? 'none');
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    echo @file_put_contents($file, file_get_contents('php://input')) === false ? 'refused' : 'kept';
} else {
    echo gethostname() . ' ' . (is_file($file) ? file_get_contents($file) : 'nothing');
}
";

fn archive() -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("site"))?;
    fs::write(folder.path().join("site/index.php"), PAGE)?;
    tar_gz(folder.path(), "site")
}

/// A php service that runs [`PAGE`], with so many php instances.
async fn site(ada: &Api, id: ServiceId, instances: u32) -> Result<String> {
    let version = ada.upload(id, "site.tar.gz", archive()?).await?;
    let path = |end: &str| format!("/services/{id}{end}");
    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "php": instances } }))).await?;
    ada.accepted(Method::POST, &path("/start"), None).await?;
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": version.id }))).await?;
    ada.service(id).await?.summary.address.context("address")
}

async fn volume(ada: &Api, application: &str, form: serde_json::Value) -> Result<VolumeView> {
    ada.json(Method::POST, &format!("/applications/{application}/volumes"), Some(form)).await
}

/// Which instances answer with the file's content; an error as soon as one answers something else.
async fn tellers(visitor: &Client, address: &str, content: &str, tries: usize) -> Result<BTreeSet<String>> {
    let mut hosts = BTreeSet::new();
    for _ in 0..tries {
        let text = visitor.get(format!("{address}/?name=cat.txt")).send().await?.text().await?;
        let (host, told) = text.split_once(' ').with_context(|| text.clone())?;
        ensure!(told == content, "{text}");
        hosts.insert(host.to_owned());
    }
    Ok(hosts)
}

/// The same, once all have heard of a change: the entry may be a moment late, and a kept connection may end just then.
async fn tellers_soon(visitor: &Client, address: &str, content: &str) -> Result<BTreeSet<String>> {
    until("the site to tell it", Duration::from_secs(30), || async {
        tellers(visitor, address, content, 3).await.map_err(|error| format!("{error:#}"))
    })
    .await
}

async fn post(visitor: &Client, address: &str, content: &str) -> Result<String> {
    Ok(visitor.post(format!("{address}/?name=cat.txt")).body(content.to_owned()).send().await?.text().await?)
}

async fn refused(ada: &Api, method: Method, path: &str, body: serde_json::Value) -> Result<Problem> {
    ada.refused(method, path, Some(body)).await
}

#[tokio::test]
async fn files_outlive_instances_versions_and_services() -> Result<()> {
    let home = Installation::start("volumes").await?;
    let ada = home.api().register("ada").await?;
    let service = ada.application_with("shop", "php").await?;
    let (id, application) = (service.summary.id, service.summary.application_id.to_string());
    let uploads = volume(&ada, &application, json!({ "name": "uploads" })).await?;
    let of_service = format!("/services/{id}/volumes/{}", uploads.id);
    let path = |end: &str| format!("/services/{id}{end}");

    // Two php instances; what one takes, both have. Nothing is lost while they get the volume.
    let address = site(&ada, id, 2).await?;
    let visitor = Visitor::browser_like(&address)?;
    let load = Visitor::keep_asking(&format!("{address}/?name=none"), 2)?;
    ada.accepted(Method::PUT, &of_service, Some(json!({}))).await?;
    load.finish_without_loss(20, &ada, id).await?;
    ensure!(post(&visitor, &address, "miaow").await? == "kept");
    let hosts = tellers(&visitor, &address, "miaow", 30).await?;
    ensure!(hosts.len() == 2, "both tell it: {hosts:?}");

    // People see what programs see, and the other way round. (A body of JSON is a file like any other.)
    let on_it = |end: &str| format!("/volumes/{}/{end}", uploads.id);
    let listed: VolumeFolderView = ada.json(Method::GET, &on_it("files"), None).await?;
    ensure!(listed.entries.iter().any(|entry| entry.name == "cat.txt" && entry.size_bytes == 5), "{listed:?}");
    let file = ada.send(Method::GET, &on_it("content?path=cat.txt"), None).await?;
    ensure!(file.status() == 200 && file.text().await? == "miaow");
    ada.send(Method::PUT, &on_it("content?path=cat.txt"), Some(json!("hiss"))).await?.error_for_status()?;
    tellers(&visitor, &address, "\"hiss\"", 6).await?;
    ensure!(post(&visitor, &address, "miaow").await? == "kept", "the program can still write it");
    ada.send(Method::PUT, &on_it("content?path=a/b.txt"), Some(json!(1))).await?.error_for_status()?;
    ada.send(Method::DELETE, &on_it("files?path=a"), None).await?.error_for_status()?;

    // Another version, more instances, all of them new, and once off and on again.
    let version = ada.upload(id, "again.tar.gz", archive()?).await?;
    ada.accepted(Method::POST, &path("/activate"), Some(json!({ "version_id": version.id }))).await?;
    ada.accepted(Method::PUT, &path("/scale"), Some(json!({ "roles": { "php": 1 } }))).await?;
    tellers_soon(&visitor, &address, "miaow").await?;
    ada.accepted(Method::POST, &path("/restart"), None).await?;
    let new = tellers_soon(&visitor, &address, "miaow").await?;
    ensure!(new.is_disjoint(&hosts), "{new:?} {hosts:?}");
    ada.accepted(Method::POST, &path("/stop"), None).await?;
    ada.accepted(Method::POST, &path("/start"), None).await?;
    tellers_soon(&visitor, &address, "miaow").await?;

    // Read-only is read-only.
    ada.accepted(Method::PUT, &of_service, Some(json!({ "read_only": true }))).await?;
    ensure!(post(&visitor, &address, "woof").await? == "refused");
    tellers_soon(&visitor, &address, "miaow").await?;

    // Nobody else gets at it, nor does it go while somebody has it.
    let bob = home.api().register("bob").await?;
    let other = bob.application_with("shop", "php").await?.summary.id;
    let answer = bob.send(Method::PUT, &format!("/services/{other}/volumes/{}", uploads.id), Some(json!({}))).await?;
    ensure!(answer.status() == 404, "{}", answer.status());
    for (method, end) in
        [(Method::GET, "files"), (Method::GET, "content?path=cat.txt"), (Method::DELETE, "files?path=cat.txt")]
    {
        let answer = bob.send(method, &on_it(end), None).await?;
        ensure!(answer.status() == 404, "{end}: {}", answer.status());
    }
    let mine = ada.application_with("other", "php").await?;
    let elsewhere = format!("/services/{}/volumes/{}", mine.summary.id, uploads.id);
    let problem = refused(&ada, Method::PUT, &elsewhere, json!({})).await?;
    ensure!(problem.status == 404, "another application of one's own neither: {problem:?}");
    let problem = refused(&ada, Method::DELETE, &format!("/volumes/{}", uploads.id), json!({})).await?;
    ensure!(problem.detail.contains("used by php"), "{problem:?}");
    for bad in ["/etc", "/data/../etc", "/data"] {
        let problem = refused(&ada, Method::PUT, &of_service, json!({ "path": bad })).await?;
        ensure!(problem.message_for("path").is_some(), "{bad}: {problem:?}");
    }

    // A copy goes its own way; the service goes, and the next one has all of it.
    let copy = json!({ "name": "backup" });
    let copy: VolumeView = ada.json(Method::POST, &format!("/volumes/{}/snapshot", uploads.id), Some(copy)).await?;
    ready(&ada, copy.id).await?;
    ada.accepted(Method::DELETE, &path(""), None).await?;
    let next = json!({ "kind": "php" });
    let next: ServiceView =
        ada.json(Method::POST, &format!("/applications/{application}/services"), Some(next)).await?;
    let id = next.summary.id;
    let of_next = |volume: VolumeId| format!("/services/{id}/volumes/{volume}");
    let at = Some(json!({ "path": "/data/uploads" }));
    ada.accepted(Method::PUT, &of_next(copy.id), at.clone()).await?;
    let address = site(&ada, id, 1).await?;
    let visitor = Visitor::browser_like(&address)?;
    tellers_soon(&visitor, &address, "miaow").await?;
    ensure!(post(&visitor, &address, "purr").await? == "kept");
    ada.accepted(Method::DELETE, &of_next(copy.id), None).await?;
    ada.accepted(Method::PUT, &of_next(uploads.id), at).await?;
    tellers_soon(&visitor, &address, "miaow").await?;

    // With its application it goes to the trash, and comes back into another one.
    ada.send(Method::DELETE, &format!("/applications/{application}"), None).await?.error_for_status()?;
    let trash: Vec<VolumeView> = ada.json(Method::GET, "/me/trash", None).await?;
    ensure!(trash.len() == 2 && trash.iter().all(|volume| volume.removed_at.is_some()), "{trash:?}");
    gone(&ada, &application).await?;
    let into = json!({ "application_id": mine.summary.application_id });
    let back: VolumeView = ada.json(Method::POST, &format!("/volumes/{}/restore", uploads.id), Some(into)).await?;
    ensure!(back.application == "other", "{back:?}");
    let there: ApplicationView =
        ada.json(Method::GET, &format!("/applications/{}", mine.summary.application_id), None).await?;
    ensure!(there.name == "other");
    let id = mine.summary.id;
    ada.accepted(Method::PUT, &format!("/services/{id}/volumes/{}", back.id), Some(json!({}))).await?;
    let address = site(&ada, id, 1).await?;
    tellers_soon(&Visitor::browser_like(&address)?, &address, "miaow").await?;
    Ok(())
}

/// Runs something in the container of a service that has a role.
fn in_role(home: &Installation, service: &ServiceView, role: &str, command: &[&str]) -> Result<String> {
    let has = |instance: &&InstanceView| instance.roles.iter().any(|found| found.role == role);
    let instance = service.instances.iter().find(has).with_context(|| format!("there is no {role}"))?;
    let name = home.containers()?.into_iter().find(|name| name.ends_with(&instance.short)).context("container")?;
    home.docker(&[&["exec", name.as_str()], command].concat())
}

/// Waits until no piece of a file has fewer copies than it shall have.
async fn copied(home: &Installation, files: &ServiceView, copies: u32) -> Result<()> {
    until("all copies", Duration::from_secs(240), || async {
        let command = ["mfscli", "-H", "127.0.0.1", "-ns", "|", "-SIC"];
        let told = in_role(home, files, "master", &command).map_err(|error| error.to_string())?;
        let matrix: Vec<&str> = told.lines().filter(|line| line.contains("goal/copies/chunks")).collect();
        let wanted = format!("|{copies}|{copies}|");
        if !matrix.is_empty() && matrix.iter().all(|line| line.contains(&wanted)) { Ok(()) } else { Err(told) }
    })
    .await
}

#[tokio::test]
async fn a_service_keeps_what_is_on_volumes_and_its_nodes_and_mounts_may_die() -> Result<()> {
    let home = Installation::start("files").await?;
    let ada = home.api().register("ada").await?;
    let service = ada.application_with("shop", "php").await?;
    let (id, application) = (service.summary.id, service.summary.application_id.to_string());
    let form = json!({ "kind": "files" });
    let files: ServiceView =
        ada.json(Method::POST, &format!("/applications/{application}/services"), Some(form)).await?;
    let keeper = files.summary.id;
    let of_keeper = |end: &str| format!("/services/{keeper}{end}");

    // What cannot be is said at the field that is wrong.
    let volumes = format!("/applications/{application}/volumes");
    for (form, field) in [
        (json!({ "name": "a", "kept_by": id }), "kept_by"),
        (json!({ "name": "a", "kept_by": VolumeId::generate() }), "kept_by"),
        (json!({ "name": "a", "quota_mib": 5 }), "quota_mib"),
        (json!({ "name": "a", "kept_by": keeper, "quota_mib": -1 }), "quota_mib"),
    ] {
        let problem = refused(&ada, Method::POST, &volumes, form.clone()).await?;
        ensure!(problem.message_for(field).is_some(), "{form}: {problem:?}");
    }
    let uploads = volume(&ada, &application, json!({ "name": "uploads", "kept_by": keeper, "quota_mib": 4 })).await?;
    ensure!(uploads.kept_by.as_ref().is_some_and(|service| service.name == "files"), "{uploads:?}");

    // A service with the volume waits for it, and then has it on all instances.
    ada.accepted(Method::PUT, &format!("/services/{id}/volumes/{}", uploads.id), Some(json!({}))).await?;
    ada.send(Method::POST, &format!("/services/{id}/start"), None).await?.error_for_status()?;
    until("the site to wait", Duration::from_secs(60), || async {
        let site = ada.service(id).await.map_err(|error| error.to_string())?;
        if site.summary.reason.contains("waiting for files") { Ok(()) } else { Err(site.summary.reason) }
    })
    .await?;
    let problem = ada.refused(Method::GET, &format!("/volumes/{}/files", uploads.id), None).await?;
    ensure!(problem.detail.contains("files keeps what is on this volume"), "{problem:?}");
    ada.accepted(Method::POST, &of_keeper("/start"), None).await?;
    let address = site(&ada, id, 2).await?;
    let visitor = Visitor::browser_like(&address)?;
    ensure!(post(&visitor, &address, "miaow").await? == "kept");
    ensure!(tellers(&visitor, &address, "miaow", 30).await?.len() == 2);

    // The limit holds, though a program that does not look when it closes a file may not notice. People see what programs see.
    let on_it = |end: &str| format!("/volumes/{}/{end}", uploads.id);
    post(&visitor, &address, &"x".repeat(6 << 20)).await?;
    let listed: VolumeFolderView = ada.json(Method::GET, &on_it("files"), None).await?;
    ensure!(listed.entries.iter().all(|entry| entry.size_bytes <= 4 << 20), "{listed:?}");
    ensure!(post(&visitor, &address, "miaow").await? == "kept");
    let listed: VolumeFolderView = ada.json(Method::GET, &on_it("files"), None).await?;
    ensure!(listed.entries.iter().any(|entry| entry.name == "cat.txt" && entry.size_bytes == 5), "{listed:?}");
    ada.send(Method::PUT, &on_it("content?path=cat.txt"), Some(json!("hiss"))).await?.error_for_status()?;
    tellers(&visitor, &address, "\"hiss\"", 6).await?;

    // With a second node everything is there twice, so that one may die.
    ada.accepted(Method::PUT, &of_keeper("/scale"), Some(json!({ "roles": { "node": 2 } }))).await?;
    let files = ada.service(keeper).await?;
    copied(&home, &files, 2).await?;
    let node = files.instances.iter().find(|instance| instance.roles.iter().any(|role| role.role == "node"));
    let node = node.context("a node")?.short.clone();
    let name = home.containers()?.into_iter().find(|name| name.ends_with(&node)).context("its container")?;
    home.docker(&["kill", &name])?;
    tellers(&visitor, &address, "\"hiss\"", 6).await?;
    ensure!(post(&visitor, &address, "purr").await? == "kept");

    // The mount dies: another one comes, and instances that can reach it.
    let before = tellers(&visitor, &address, "purr", 30).await?;
    ada.wait_state(keeper, ServiceState::Running).await?;
    let files = ada.service(keeper).await?;
    let end_it = "for p in /proc/[0-9]*; do ! grep -q ^mfsmount $p/cmdline || kill -KILL ${p#/proc/}; done";
    in_role(&home, &files, "mount", &["sh", "-c", end_it])?;
    until("others to tell it", Duration::from_secs(120), || async {
        let hosts = tellers(&visitor, &address, "purr", 12).await.map_err(|error| error.to_string())?;
        if hosts.len() == 2 && hosts.is_disjoint(&before) { Ok(()) } else { Err(format!("{hosts:?} {before:?}")) }
    })
    .await?;

    // Off and on again, and everything is there.
    ada.wait_state(keeper, ServiceState::Running).await?;
    ada.accepted(Method::POST, &of_keeper("/stop"), None).await?;
    ada.accepted(Method::POST, &of_keeper("/start"), None).await?;
    tellers_soon(&visitor, &address, "purr").await?;

    // One node is enough again: the other one goes when it has handed over what it has, which takes minutes; so it is not gone yet.
    ada.wait_state(keeper, ServiceState::Running).await?;
    let one = Some(json!({ "roles": { "node": 1 } }));
    ada.send(Method::PUT, &of_keeper("/scale"), one).await?.error_for_status()?;
    until("a node to hand over", Duration::from_secs(60), || async {
        let files = ada.service(keeper).await.map_err(|error| error.to_string())?;
        let nodes = files.roles.iter().find(|role| role.name == "node").map(|role| role.count);
        let draining = files.instances.iter().filter(|instance| instance.state == InstanceState::Draining).count();
        if (nodes, draining) == (Some(1), 1) { Ok(()) } else { Err(format!("{nodes:?} {draining}")) }
    })
    .await?;
    tellers(&visitor, &address, "purr", 6).await?;

    // Nothing is lost in passing.
    let problem = refused(&ada, Method::DELETE, &of_keeper(""), json!({})).await?;
    ensure!(problem.detail.contains("keeps what is on uploads"), "{problem:?}");
    ada.send(Method::DELETE, &format!("/applications/{application}"), None).await?.error_for_status()?;
    gone(&ada, &application).await?;
    let left = fs::read_to_string("/proc/self/mounts")?;
    let of_home = format!("/run/aerie/{}/mounts/", home.label());
    ensure!(!left.contains(&of_home), "{left}");
    Ok(())
}

async fn gone(ada: &Api, application: &str) -> Result<()> {
    until("the application to be gone", Duration::from_secs(60), || async {
        let answer = ada.send(Method::GET, &format!("/applications/{application}"), None).await;
        match answer.map_err(|error| error.to_string())?.status().as_u16() {
            404 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await
}

async fn ready(ada: &Api, id: VolumeId) -> Result<()> {
    until("the copy to be ready", Duration::from_secs(60), || async {
        let volume: VolumeView =
            ada.json(Method::GET, &format!("/volumes/{id}"), None).await.map_err(|error| error.to_string())?;
        match volume.state.as_str() {
            "ready" => Ok(()),
            state => Err(format!("{state} {}", volume.reason)),
        }
    })
    .await
}
