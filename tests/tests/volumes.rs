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
    post_as(visitor, address, "cat.txt", content).await
}

async fn post_as(visitor: &Client, address: &str, name: &str, content: &str) -> Result<String> {
    Ok(visitor.post(format!("{address}/?name={name}")).body(content.to_owned()).send().await?.text().await?)
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

/// The containers of a service that have a role.
fn with_role(home: &Installation, service: &ServiceView, role: &str) -> Result<Vec<String>> {
    let has = |instance: &&InstanceView| instance.roles.iter().any(|found| found.role == role);
    let all = home.containers()?;
    let name = |short: &str| all.iter().find(|name| name.ends_with(short)).cloned();
    service.instances.iter().filter(has).map(|instance| name(&instance.short).context("container")).collect()
}

/// Runs something in a container of a service that has a role.
fn in_role(home: &Installation, service: &ServiceView, role: &str, command: &[&str]) -> Result<String> {
    let name = with_role(home, service, role)?.into_iter().next().with_context(|| format!("there is no {role}"))?;
    home.docker(&[&["exec", name.as_str()], command].concat())
}

/// Kills a program in an instance, whose agent goes on.
fn kill_in(home: &Installation, service: &ServiceView, role: &str, program: &str) -> Result<()> {
    let end_it = format!(
        "for p in /proc/[0-9]*; do grep -q ^{program} $p/cmdline && kill -KILL ${{p#/proc/}} && echo killed; done; true"
    );
    let said = in_role(home, service, role, &["sh", "-c", &end_it])?;
    ensure!(said.contains("killed"), "{program} does not run: {said}");
    Ok(())
}

/// Counts in a file and in a database, as one of several: with locks of both kinds (`flock` here, `fcntl` in `SQLite`), and
/// renaming what is new over what is old. Whoever looks at the file at any time sees a whole number.
const COUNTER: &str = r"
chdir('/data/uploads');
for ($turn = 0; $turn < 40; $turn++) {
    $seen = @file_get_contents('number');
    $seen === false || is_numeric($seen) or exit('half a number: ' . $seen);
    $lock = fopen('lock', 'c');
    flock($lock, LOCK_EX) or exit('no lock');
    $mine = 'number.' . gethostname();
    file_put_contents($mine, (int) file_get_contents('number') + 1);
    rename($mine, 'number');
    fclose($lock);
}
$rows = new PDO('sqlite:rows.db');
$rows->exec('create table if not exists counted (turn integer)');
for ($turn = 0; $turn < 15; $turn++) {
    $rows->exec('insert into counted values (' . $turn . ')');
}
echo 'done';
";

/// Counts in all these containers at the same time, and gives what the file and the database tell then.
async fn count_together(containers: &[String]) -> Result<String> {
    let run = |container: &String, code: &str| {
        let mut command = tokio::process::Command::new("docker");
        command.args(["exec", container, "php", "-r", code]).kill_on_drop(true);
        async move {
            let output = tokio::time::timeout(Duration::from_secs(120), command.output()).await??;
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            ensure!(output.status.success(), "{out}{err}");
            Ok::<_, anyhow::Error>(format!("{out}{err}"))
        }
    };
    let said = futures_util::future::try_join_all(containers.iter().map(|container| run(container, COUNTER))).await?;
    ensure!(said.iter().all(|said| said == "done"), "{said:?}");
    let look = "chdir('/data/uploads'); $rows = new PDO('sqlite:rows.db');
        echo file_get_contents('number'), ' ', $rows->query('select count(*) from counted')->fetchColumn(), ' ',
            $rows->query('pragma integrity_check')->fetchColumn();";
    run(containers.first().context("a container")?, look).await
}

/// Waits until pieces of files have so many copies, and none has fewer than it shall have: one of a file that is deleted but
/// still open keeps what it had.
async fn copied(home: &Installation, files: &ServiceView, copies: u32) -> Result<()> {
    until("all copies", Duration::from_secs(240), || async {
        let command = ["mfscli", "-H", "127.0.0.1", "-ns", "|", "-SIC"];
        let told = in_role(home, files, "master", &command).map_err(|error| error.to_string())?;
        let matrix: Vec<&str> = told.lines().filter(|line| line.contains("goal/copies/chunks")).collect();
        let numbers = |line: &str| -> Vec<u32> { line.split('|').filter_map(|part| part.parse().ok()).collect() };
        // wanted copies, copies, pieces
        let pieces: Vec<Vec<u32>> = matrix.into_iter().map(numbers).collect();
        let whole = pieces.iter().all(|piece| matches!(piece[..], [wanted, there, _] if wanted <= there));
        let many = pieces.iter().any(|piece| piece.starts_with(&[copies, copies]));
        if whole && many { Ok(()) } else { Err(told) }
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
    let mib = |count: usize| "x".repeat(count << 20);
    post(&visitor, &address, &mib(6)).await?;
    let listed: VolumeFolderView = ada.json(Method::GET, &on_it("files"), None).await?;
    ensure!(listed.entries.iter().all(|entry| entry.size_bytes <= 4 << 20), "{listed:?}");

    // Raised, it lets go on who was stopped. Lowered, it leaves what is there, and nothing comes on top of it.
    for (quota, name, count, fits) in [(16, "cat.txt", 6, true), (2, "dog.txt", 1, false)] {
        let changed: VolumeView =
            ada.json(Method::PATCH, &format!("/volumes/{}", uploads.id), Some(json!({ "quota_mib": quota }))).await?;
        ensure!(changed.quota_mib == Some(quota), "{changed:?}");
        until("the other limit", Duration::from_secs(60), || async {
            post_as(&visitor, &address, name, &mib(count)).await.map_err(|error| error.to_string())?;
            let listed = ada.json::<VolumeFolderView>(Method::GET, &on_it("files"), None).await;
            let listed = listed.map_err(|error| error.to_string())?;
            let size = |name: &str| listed.entries.iter().find(|file| file.name == name).map(|file| file.size_bytes);
            let as_it_should = (size(name) == Some((count as u64) << 20)) == fits && size("cat.txt") == Some(6 << 20);
            if as_it_should { Ok(()) } else { Err(format!("{listed:?}")) }
        })
        .await?;
    }
    ensure!(post(&visitor, &address, "miaow").await? == "kept");
    let listed: VolumeFolderView = ada.json(Method::GET, &on_it("files"), None).await?;
    ensure!(listed.entries.iter().any(|entry| entry.name == "cat.txt" && entry.size_bytes == 5), "{listed:?}");
    ada.send(Method::PUT, &on_it("content?path=cat.txt"), Some(json!("hiss"))).await?.error_for_status()?;
    tellers(&visitor, &address, "\"hiss\"", 6).await?;

    // The master is killed: who reads or writes waits until it is back, and all is there, for the same instances.
    let before = tellers(&visitor, &address, "\"hiss\"", 30).await?;
    let patient = Visitor::patient_browser_like(&address)?;
    kill_in(&home, &ada.service(keeper).await?, "master", "mfsmaster")?;
    let after = tellers(&patient, &address, "\"hiss\"", 6).await?;
    ensure!(post_as(&patient, &address, "dog.txt", "woof").await? == "kept");
    ensure!(after.is_subset(&before), "nobody is replaced for it: {before:?} {after:?}");

    // A copy of a volume lies where that lies. Both have a trash.
    ada.wait_state(keeper, ServiceState::Running).await?;
    let snapshot = format!("/volumes/{}/snapshot", uploads.id);
    let copy: VolumeView = ada.json(Method::POST, &snapshot, Some(json!({ "name": "copy" }))).await?;
    ready(&ada, copy.id).await?;
    ensure!(post_as(&visitor, &address, "dog.txt", "grr").await? == "kept");
    let in_copy = format!("/volumes/{}/content?path=dog.txt", copy.id);
    let dog = ada.send(Method::GET, &in_copy, None).await?.error_for_status()?.text().await?;
    ensure!(dog == "woof", "{dog}");
    ada.send(Method::DELETE, &format!("/volumes/{}", copy.id), None).await?.error_for_status()?;
    let problem = ada.refused(Method::GET, &in_copy, None).await?;
    ensure!(problem.detail.contains("in the trash"), "{problem:?}");
    let restore = format!("/volumes/{}/restore", copy.id);
    let back: VolumeView = ada.json(Method::POST, &restore, Some(json!({}))).await?;
    let is_kept = back.kept_by.as_ref().is_some_and(|service| service.id == keeper);
    ensure!(back.removed_at.is_none() && is_kept, "{back:?}");
    let dog = ada.send(Method::GET, &in_copy, None).await?.error_for_status()?.text().await?;
    ensure!(dog == "woof", "{dog}");

    // With a second node everything is there twice.
    ada.accepted(Method::PUT, &of_keeper("/scale"), Some(json!({ "roles": { "node": 2 } }))).await?;
    let files = ada.service(keeper).await?;
    copied(&home, &files, 2).await?;

    // Instances agree with locks, as programs on one machine do. (Not earlier: what they delete keeps its one copy for minutes.)
    ada.send(Method::PUT, &on_it("content?path=number"), Some(json!(0))).await?.error_for_status()?;
    let sites = with_role(&home, &ada.service(id).await?, "php")?;
    ensure!(sites.len() == 2, "{sites:?}");
    let counted = count_together(&sites).await?;
    ensure!(counted == "80 30 ok", "every turn counts: {counted}");

    // One node dies.
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
    kill_in(&home, &files, "mount", "mfsmount")?;
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

    // How many copies there shall be can be said at any time.
    ada.wait_state(keeper, ServiceState::Running).await?;
    let files = ada.service(keeper).await?;
    for copies in ["1", "2"] {
        ada.accepted(Method::PUT, &of_keeper("/settings"), Some(json!({ "settings": { "copies": copies } }))).await?;
        until("another number of copies", Duration::from_secs(60), || async {
            let told = in_role(&home, &files, "mount", &["mfsgetgoal", "/mounts/fs"]);
            let told = told.map_err(|error| error.to_string())?;
            if told.trim_end().ends_with(&format!(": {copies}")) { Ok(()) } else { Err(told) }
        })
        .await?;
    }

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
    ensure!(problem.detail.contains("keeps what is on uploads, copy"), "{problem:?}");
    let the_application = format!("/applications/{application}");
    let problem = ada.refused(Method::DELETE, &the_application, None).await?;
    ensure!(problem.detail.contains("copy,uploads"), "{problem:?}");
    let known = format!("{the_application}?losing=uploads,copy");
    ada.send(Method::DELETE, &known, None).await?.error_for_status()?;
    gone(&ada, &application).await?;
    let left = fs::read_to_string("/proc/self/mounts")?;
    let of_home = format!("/run/aerie/{}/mounts/", home.label());
    ensure!(!left.contains(&of_home), "{left}");
    Ok(())
}

/// Waits until the metalogger knows of a file.
async fn noted(home: &Installation, ada: &Api, keeper: ServiceId, name: &str) -> Result<()> {
    let look = format!("grep -qr --include='*_ml*' {name} /data && echo noted || ls -l /data");
    until("the metalogger to know it", Duration::from_secs(60), || async {
        let files = ada.service(keeper).await.map_err(|error| error.to_string())?;
        let told = in_role(home, &files, "metalogger", &["sh", "-c", &look]).map_err(|error| error.to_string())?;
        if told.contains("noted") { Ok(()) } else { Err(told) }
    })
    .await
}

#[tokio::test]
async fn a_master_that_lost_everything_gets_it_back_from_the_metalogger() -> Result<()> {
    let home = Installation::start("metalogger").await?;
    let ada = home.api().register("ada").await?;
    let service = ada.application_with("shop", "php").await?;
    let (id, application) = (service.summary.id, service.summary.application_id.to_string());
    let path = format!("/applications/{application}/services");
    let keeper = ada.json::<ServiceView>(Method::POST, &path, Some(json!({ "kind": "files" }))).await?.summary.id;
    let of_keeper = |end: &str| format!("/services/{keeper}{end}");
    let uploads = volume(&ada, &application, json!({ "name": "uploads", "kept_by": keeper })).await?;
    ada.accepted(Method::PUT, &format!("/services/{id}/volumes/{}", uploads.id), Some(json!({}))).await?;
    ada.accepted(Method::POST, &of_keeper("/start"), None).await?;
    let address = site(&ada, id, 1).await?;
    let visitor = Visitor::patient_browser_like(&address)?;
    ensure!(post_as(&visitor, &address, "early.txt", "before there was one").await? == "kept");

    // It comes later, and hears of everything from then on.
    ada.accepted(Method::PUT, &of_keeper("/scale"), Some(json!({ "roles": { "metalogger": 1 } }))).await?;
    ensure!(post(&visitor, &address, "miaow").await? == "kept");
    noted(&home, &ada, keeper, "cat.txt").await?;

    // Nothing is left on the master's volume when it starts again.
    let files = ada.service(keeper).await?;
    in_role(&home, &files, "master", &["find", "/data", "-mindepth", "1", "-delete"])?;
    kill_in(&home, &files, "master", "mfsmaster")?;
    tellers_soon(&visitor, &address, "miaow").await?;
    ensure!(post_as(&visitor, &address, "dog.txt", "woof").await? == "kept");
    ada.wait_state(keeper, ServiceState::Running).await?;
    let names = format!("/volumes/{}/files", uploads.id);
    let listed: VolumeFolderView = ada.json(Method::GET, &names, None).await?;
    let listed: Vec<_> = listed.entries.iter().map(|entry| entry.name.as_str()).collect();
    ensure!(listed == ["cat.txt", "dog.txt", "early.txt"], "{listed:?}");

    // The volume itself is gone, and all of the service has been away.
    noted(&home, &ada, keeper, "dog.txt").await?;
    ada.accepted(Method::POST, &of_keeper("/stop"), None).await?;
    home.docker(&["volume", "rm", &format!("{}-{}-names", home.label(), keeper.0.simple())])?;
    ada.accepted(Method::POST, &of_keeper("/start"), None).await?;
    tellers_soon(&visitor, &address, "miaow").await?;
    let content = format!("/volumes/{}/content?path=dog.txt", uploads.id);
    let dog = ada.send(Method::GET, &content, None).await?.error_for_status()?.text().await?;
    ensure!(dog == "woof", "{dog}");
    ensure!(post(&visitor, &address, "purr").await? == "kept");

    // Without one again: the master knows all that it needs.
    ada.accepted(Method::PUT, &of_keeper("/scale"), Some(json!({ "roles": { "metalogger": 0 } }))).await?;
    kill_in(&home, &ada.service(keeper).await?, "master", "mfsmaster")?;
    tellers_soon(&visitor, &address, "purr").await.map(drop)
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
