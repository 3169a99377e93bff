//! A volume of an application, by REST and with real containers: what a visitor uploads is there for all instances, and
//! outlives everything but the trash.

use aerie_domain::{
    Problem, ServiceId, VolumeId,
    views::{ApplicationView, ServiceView, VolumeFolderView, VolumeView},
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

async fn volume(ada: &Api, application: &str, name: &str) -> Result<VolumeView> {
    ada.json(Method::POST, &format!("/applications/{application}/volumes"), Some(json!({ "name": name }))).await
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
    let uploads = volume(&ada, &application, "uploads").await?;
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
    until("the application to be gone", Duration::from_secs(60), || async {
        let answer = ada.send(Method::GET, &format!("/applications/{application}"), None).await;
        match answer.map_err(|error| error.to_string())?.status().as_u16() {
            404 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await?;
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
