//! The Docker daemon dies and comes back. It is one of this test's own, in namespaces of its own (network, mounts,
//! processes), so that nobody else's containers notice; the director and the database of the test run in there, too.

use aerie_domain::ServiceState;
use aerie_tests::{Cluster, Installation, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

const TEST: &str = "a_docker_daemon_that_dies_takes_nothing_along";
/// The folder of the daemon: set inside of the namespaces only.
const FOLDER: &str = "AERIE_TEST_ENGINE";
const CONVERGED: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_docker_daemon_that_dies_takes_nothing_along() -> Result<()> {
    match env::var_os(FOLDER) {
        Some(folder) => inside(Path::new(&folder)).await,
        None => outside().await,
    }
}

/// What the daemon leaves in the file system.
struct Folder(PathBuf);

/// The cgroup of its containers: named like its folder.
fn cgroup(folder: &Path) -> String {
    folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        // empty by now, but the kernel keeps them until somebody removes them, deepest first
        for controller in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let top = controller.path().join(cgroup(&self.0));
            if top.is_dir() {
                let _ =
                    Command::new("find").arg(&top).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]).output();
            }
        }
    }
}

/// Has the images made by the usual daemon, as the other one reaches no package server; then goes into the namespaces.
async fn outside() -> Result<()> {
    let folder = Folder(PathBuf::from(format!("/var/tmp/aerie-test-engine-{}", std::process::id())));
    fs::create_dir_all(&folder.0)?;
    let images = folder.0.join("images.tar");
    {
        let home = Installation::start("engine-images").await?;
        let ada = home.api().register("ada").await?;
        let id = ada.application_with("blog", "php").await?.summary.id;
        ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
        let mut save = vec!["save".to_owned(), "--output".to_owned(), images.display().to_string()];
        for name in home.containers()? {
            let image = home.docker(&["inspect", "--format", "{{.Config.Image}}", &name])?.trim().to_owned();
            if !save.contains(&image) {
                save.push(image);
            }
        }
        home.docker(&save.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(env::current_exe()?)
        .args(["--exact", TEST, "--nocapture"])
        .env(FOLDER, &folder.0)
        .env("DOCKER_HOST", format!("unix://{}/docker.sock", folder.0.display()))
        .output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    eprintln!("{said}");
    ensure!(output.status.success() && said.contains("1 passed"), "inside of the namespaces: {}", output.status);
    Ok(())
}

/// The daemon of this test.
struct Engine<'a>(&'a Path);

impl Engine<'_> {
    fn start(&self) -> Result<()> {
        let at = |name: &str| self.0.join(name).display().to_string();
        let options = format!("--data-root {} --bridge none --cgroup-parent /{}", at("data"), cgroup(self.0));
        let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/docker"))
            .env("AERIE_DOCKER_SOCKET", at("docker.sock"))
            .env("AERIE_DOCKER_PIDFILE", at("docker.pid"))
            .env("AERIE_DOCKER_EXEC_ROOT", at("exec"))
            .env("AERIE_DOCKER_LOG", at("docker.log"))
            .env("AERIE_DOCKER_OPTIONS", options)
            .output()?;
        ensure!(output.status.success(), "scripts/docker: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = fs::read_to_string(self.0.join("docker.pid"))?.trim().parse().ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("a process id")?, signal)?)
    }
}

async fn inside(folder: &Path) -> Result<()> {
    let lo = Command::new("ip").args(["link", "set", "lo", "up"]).status()?;
    ensure!(lo.success(), "the loopback interface");
    let engine = Engine(folder);
    engine.start()?;
    let images = folder.join("images.tar").display().to_string();
    let load = Command::new("docker").args(["load", "--quiet", "--input", &images]).output()?;
    ensure!(load.status.success(), "docker load: {}", String::from_utf8_lossy(&load.stderr));
    let cluster = Cluster::start("engine", &[])?;
    let socket = folder.join("docker.sock").display().to_string();
    let home = Installation::start_on(&cluster.url, "engine", &[("AERIE_DOCKER_SOCKET", &socket)]).await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("blog", "php").await?.summary.id;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let address = ada.service(id).await?.summary.address.context("an address")?;
    let load = Visitor::keep_asking(&address, 2)?;

    let mut php = 1;
    for (signal, what) in [(Signal::KILL, "killed"), (Signal::TERM, "stopped")] {
        engine.signal(signal)?;
        // a change that is asked for meanwhile is kept, and explained
        php += 1;
        let body = json!({ "roles": { "php": php } });
        let _: serde_json::Value = ada.json(Method::PUT, &format!("/services/{id}/scale"), Some(body)).await?;
        until("the reason", CONVERGED, || async {
            let reason = ada.service(id).await.map_err(|error| error.to_string())?.summary.reason;
            if reason.contains("container engine does not answer") { Ok(()) } else { Err(reason) }
        })
        .await
        .with_context(|| what.to_owned())?;
        engine.start()?;
        let back = Instant::now();
        until("what was asked for", CONVERGED, || async {
            let view = ada.service(id).await.map_err(|error| error.to_string())?;
            let serving = view.roles.iter().find(|role| role.name == "php").map_or(0, |role| role.serving);
            let done = serving == php && view.summary.state == ServiceState::Running && view.operation.is_none();
            if done { Ok(()) } else { Err(format!("{:?} {serving}", view.summary)) }
        })
        .await
        .with_context(|| what.to_owned())?;
        eprintln!("dockerd {what}: scaled {:.1} s after it was back", back.elapsed().as_secs_f64());
        home.wait_until_tidy(CONVERGED).await?;
    }
    load.finish_without_loss(0, &ada, id).await?;
    drop(home);
    engine.signal(Signal::TERM)
}
