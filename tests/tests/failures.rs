//! Parts of a hosted application fail: a container is killed, a process keeps ending, the disk fills up.

use aerie_domain::{
    ServiceId, ServiceState,
    views::{InstanceView, ServiceView},
};
use aerie_tests::{Api, Installation, Sample, Visitor};
use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

const SOON: Duration = Duration::from_secs(30);

async fn running(ada: &Api, application: &str) -> Result<ServiceId> {
    let id = ada.application_with(application, "php").await?.summary.id;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    Ok(id)
}

fn with_role<'a>(view: &'a ServiceView, role: &str) -> Vec<&'a InstanceView> {
    view.instances.iter().filter(|instance| instance.roles.iter().any(|r| r.role == role)).collect()
}

fn serving(view: &ServiceView, role: &str) -> u32 {
    view.roles.iter().find(|r| r.name == role).map_or(0, |r| r.serving)
}

/// Waits for something about a service, looking often enough to tell tenths of a second.
async fn within(
    ada: &Api,
    id: ServiceId,
    limit: Duration,
    what: &str,
    wanted: impl Fn(&ServiceView) -> bool,
) -> Result<Duration> {
    let begun = Instant::now();
    loop {
        let view = ada.service(id).await?;
        if wanted(&view) {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < limit, "{what} took more than {limit:?}: {:?} {:?}", view.summary, view.instances);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_instance_is_noticed_and_replaced_and_no_request_is_lost_where_there_is_another() -> Result<()> {
    let home = Installation::start("kill").await?;
    let ada = home.api().register("ada").await?;
    let id = running(&ada, "blog").await?;
    let version = ada.upload(id, "one.tar.gz", Sample::guest_book("one").tar_gz()?).await?;
    let body = json!({ "version_id": version.id });
    ada.accepted(Method::POST, &format!("/services/{id}/activate"), Some(body)).await?;
    let body = json!({ "roles": { "proxy": 2, "web": 2, "php": 2 } });
    ada.accepted(Method::PUT, &format!("/services/{id}/scale"), Some(body)).await?;
    let address = ada.service(id).await?.summary.address.context("an address")?;
    let load = Visitor::keep_asking(&format!("{address}/plain.php"), 2)?;
    for role in ["php", "web", "proxy"] {
        let view = ada.service(id).await?;
        let victim = with_role(&view, role).first().map(|instance| instance.short.clone()).context("two of them")?;
        let containers = home.containers_of(id)?;
        let name = containers.into_iter().find(|name| name.ends_with(&victim)).context("its container")?;
        home.docker(&["kill", &name])?;
        let noticed = within(&ada, id, Duration::from_secs(1), "noticing", |view| {
            serving(view, role) < 2 || view.summary.state != ServiceState::Running
        })
        .await?;
        let replaced = within(&ada, id, Duration::from_secs(5), "replacing", |view| serving(view, role) == 2).await?;
        eprintln!(
            "docker kill of a {role} instance: noticed after {:.2} s, serving again {:.2} s later",
            noticed.as_secs_f64(),
            replaced.as_secs_f64()
        );
        ada.wait_state(id, ServiceState::Running).await?;
    }
    let log =
        home.sql(&format!("select text from manager_log where service_id = '{id}' and text like '%137 (killed)%'"))?;
    ensure!(log.len() >= 3, "the manager's log says what happened: {log:?}");
    load.finish_without_loss(0, &ada, id).await?;
    home.wait_until_tidy(SOON).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_is_started_again_and_one_that_keeps_ending_is_explained() -> Result<()> {
    let home = Installation::start("process").await?;
    let ada = home.api().register("ada").await?;
    let id = running(&ada, "blog").await?;
    let view = ada.service(id).await?;
    let packed = with_role(&view, "web").first().map(|instance| instance.short.clone()).context("an instance")?;
    let name = home.containers_of(id)?.into_iter().find(|name| name.ends_with(&packed)).context("its container")?;
    let kill = |program: &str| {
        // as the processes' own user, by the name of the program of the group's leader
        let script = format!(
            "for p in /proc/[0-9]*; do [ \"$(cat $p/comm)\" = {program} ] && kill -9 ${{p#/proc/}}; done; true"
        );
        home.docker(&["exec", &name, "sh", "-c", &script]).map(drop)
    };
    let end_of = |view: &ServiceView| {
        let roles = with_role(view, "web").into_iter().flat_map(|instance| instance.roles.clone());
        roles.into_iter().find(|role| role.role == "web")
    };

    // Something to say before it ends: a line in its access log.
    let address = view.summary.address.clone().context("an address")?;
    Visitor::browser_like(&address)?.get(&address).send().await?.error_for_status()?;

    // Once: started again within moments, by the agent alone.
    kill("nginx")?;
    let took = within(&ada, id, Duration::from_secs(5), "a restart", |view| {
        end_of(view).is_some_and(|role| role.restarts == 1 && role.healthy)
    })
    .await?;
    let role = end_of(&ada.service(id).await?).context("the role")?;
    let end = role.last_end.context("how it ended")?;
    ensure!(end.signal.as_deref() == Some("signal 9 (KILL)") && !end.out_of_memory, "{end:?}");
    ensure!(end.lines.len() <= 50 && !end.lines.is_empty(), "its last lines: {:?}", end.lines);
    eprintln!("kill -9 of nginx: healthy again after {:.2} s", took.as_secs_f64());

    // Again and again: the pauses grow, the service says why, and the page shows it.
    let mut starts = Vec::new();
    for restart in 2..6 {
        kill("nginx")?;
        let begun = Instant::now();
        within(&ada, id, SOON, "another restart", |view| {
            end_of(view).is_some_and(|role| role.restarts >= restart && role.healthy)
        })
        .await?;
        starts.push(begun.elapsed());
    }
    ensure!(starts.last() > starts.first(), "the pauses grow: {starts:?}");
    // without the marks that the renderer puts between pieces of text
    let text = page(&home, id).await?.replace("<!>", "");
    for wanted in ["process-end", "signal 9 (KILL)", "started again 5 times"] {
        ensure!(text.contains(wanted), "the page shows {wanted:?}");
    }
    ensure!(home.containers_of(id)?.contains(&name), "the instance itself was left alone");
    Ok(())
}

/// The service's page as ada sees it.
async fn page(home: &Installation, id: ServiceId) -> Result<String> {
    let client = reqwest::Client::builder().cookie_store(true).build()?;
    let form = [("user_name", "ada"), ("password", "correct horse battery")];
    let answer = client.post(format!("{}/fn/log_in", home.url())).form(&form).send().await?;
    ensure!(answer.status().is_success() || answer.status().is_redirection(), "log in: {}", answer.status());
    Ok(client.get(format!("{}/services/{id}", home.url())).send().await?.text().await?)
}

/// A small disk, which is there as long as this is.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn of(mib: u32) -> Result<Self> {
        let folder = PathBuf::from(format!("/var/tmp/aerie-test-disk-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let disk = Self(folder);
        let size = format!("size={mib}m");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&disk.0).status()?;
        ensure!(status.success(), "a tmpfs can be mounted");
        Ok(disk)
    }

    fn fill(&self, mib: usize) -> Result<()> {
        Ok(fs::write(self.0.join("ballast"), vec![0; mib * 1024 * 1024])?)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_nearly_full_refuses_what_is_new_and_keeps_what_runs() -> Result<()> {
    let disk = SmallDisk::of(96)?;
    let data = disk.path().join("data").display().to_string();
    let settings = [("AERIE_DATA_DIR", data.as_str()), ("AERIE_DISK_RESERVE_MIB", "32"), ("AERIE_UPLOAD_MIB", "16")];
    let home = Installation::start_with("disk", &settings).await?;
    let ada = home.api().register("ada").await?;
    let id = running(&ada, "blog").await?;
    let other = ada.application_with("shop", "php").await?.summary.id;
    let address = ada.service(id).await?.summary.address.context("an address")?;
    let archive = Sample::guest_book("one").tar_gz()?;
    ada.upload(id, "one.tar.gz", archive.clone()).await?;
    let load = Visitor::keep_asking(&address, 2)?;
    let client = reqwest::Client::new();
    let readyz =
        async || -> Result<Value> { Ok(client.get(format!("{}/readyz", home.url())).send().await?.json().await?) };
    ensure!(readyz().await?["disk"]["ok"] == true, "{}", readyz().await?);

    // Not enough for the largest upload above the reserve, but for everything else.
    disk.fill(56)?;
    let answer = ada.upload_raw(id, "two.tar.gz", archive.clone()).await?;
    let (status, text) = (answer.status(), answer.text().await?);
    ensure!(status == StatusCode::SERVICE_UNAVAILABLE && text.contains("nearly full"), "{status} {text}");
    ensure!(readyz().await?["disk"]["ok"] == true, "{}", readyz().await?);

    // Into the reserve: nothing new begins.
    disk.fill(72)?;
    let grow = json!({ "roles": { "php": 2 } });
    for (method, path, body) in [
        (Method::POST, format!("/services/{other}/start"), None),
        (Method::PUT, format!("/services/{id}/scale"), Some(grow)),
    ] {
        let problem = ada.refused(method, &path, body).await?;
        ensure!(problem.status == 503 && problem.detail.contains("nearly full"), "{path}: {problem:?}");
    }
    let said = readyz().await?;
    ensure!(said["disk"]["ok"] == false && said["ready"] == true, "{said}");
    ensure!(ada.service(id).await?.summary.state == ServiceState::Running, "what runs goes on");

    // Making room helps, and so does stopping: it is never refused.
    ada.accepted(Method::POST, &format!("/services/{other}/stop"), None).await?;
    disk.fill(0)?;
    ada.upload(id, "two.tar.gz", archive).await?;
    ada.accepted(Method::POST, &format!("/services/{other}/start"), None).await?;
    load.finish_without_loss(0, &ada, id).await?;
    Ok(())
}
