//! A machine of a test's own: namespaces (network, mounts, processes) with a Docker daemon in them, which can die and come
//! back, or lose its power, and nobody else's containers notice. Its disk is a folder.

use crate::{
    Api,
    installation::{director_binary, docker, prepare_clients, ready},
    until,
};
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Its folder: set inside of it only.
const FOLDER: &str = "AERIE_TEST_MACHINE";
/// What is to be done inside.
const PART: &str = "AERIE_TEST_MACHINE_PART";

/// The machine. The one who made it removes its folder.
pub struct Machine {
    folder: PathBuf,
    owned: bool,
}

impl Machine {
    /// A new one, with the images of these containers of the usual daemon: it reaches no package server.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn new(name: &str, containers: &[String]) -> Result<Self> {
        let folder = PathBuf::from(format!("/var/tmp/aerie-test-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let machine = Self { folder, owned: true };
        let mut save = vec!["save".to_owned(), "--output".to_owned(), machine.path("images.tar")];
        for name in containers {
            let image = docker(&["inspect", "--format", "{{.Config.Image}}", name])?.trim().to_owned();
            if !save.contains(&image) {
                save.push(image);
            }
        }
        docker(&save.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(machine)
    }

    /// The machine that this process is in, and what is to be done there.
    #[must_use]
    pub fn inside() -> Option<(Self, String)> {
        let folder = PathBuf::from(env::var_os(FOLDER)?);
        Some((Self { folder, owned: false }, env::var(PART).unwrap_or_default()))
    }

    /// A path on its disk.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Does a part of a test inside, to its end.
    ///
    /// # Errors
    /// When that fails.
    pub fn run(&self, test: &str, part: &str) -> Result<()> {
        let output = self.command(test, part)?.output()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        eprintln!("{said}");
        ensure!(output.status.success() && said.contains("1 passed"), "{part}, inside of it: {}", output.status);
        Ok(())
    }

    /// Begins a part of a test inside. Killing the process is the machine's loss of power.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn begin(&self, test: &str, part: &str) -> Result<Child> {
        let log = fs::File::create(self.folder.join("log"))?;
        let mut command = self.command(test, part)?;
        Ok(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
    }

    /// What was said since [`Machine::begin`].
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn command(&self, test: &str, part: &str) -> Result<Command> {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg(env::current_exe()?)
            .args(["--exact", test, "--nocapture"])
            .env(FOLDER, &self.folder)
            .env(PART, part)
            .env("DOCKER_HOST", format!("unix://{}", self.socket()));
        Ok(command)
    }

    /// Where its Docker daemon answers.
    #[must_use]
    pub fn socket(&self) -> String {
        self.path("docker.sock")
    }

    /// Inside: turns it on. What only memory had before is gone.
    ///
    /// # Errors
    /// When something does not start.
    pub fn boot(&self) -> Result<()> {
        let lo = Command::new("ip").args(["link", "set", "lo", "up"]).status()?;
        ensure!(lo.success(), "the loopback interface");
        for gone in ["docker.sock", "docker.pid", "exec"].map(|name| self.folder.join(name)) {
            let _ = fs::remove_file(&gone);
            let _ = fs::remove_dir_all(&gone);
        }
        self.start_docker()?;
        let images = self.folder.join("images.tar");
        if images.exists() {
            docker(&["load", "--quiet", "--input", &images.display().to_string()])?;
            fs::remove_file(images)?;
        }
        Ok(())
    }

    /// Inside: starts the daemon.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_docker(&self) -> Result<()> {
        let options = format!("--data-root {} --bridge none --cgroup-parent /{}", self.path("data"), self.cgroup());
        let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/docker"))
            .env("AERIE_DOCKER_SOCKET", self.socket())
            .env("AERIE_DOCKER_PIDFILE", self.path("docker.pid"))
            .env("AERIE_DOCKER_EXEC_ROOT", self.path("exec"))
            .env("AERIE_DOCKER_LOG", self.path("docker.log"))
            .env("AERIE_DOCKER_OPTIONS", options)
            .output()?;
        ensure!(output.status.success(), "scripts/docker: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Inside: kills the daemon.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_docker(&self) -> Result<()> {
        Ok(kill_process(self.daemon()?, Signal::KILL)?)
    }

    /// Inside: ends the daemon as a service manager does, which does not wait for ever.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn stop_docker(&self) -> Result<()> {
        let daemon = self.daemon()?;
        kill_process(daemon, Signal::TERM)?;
        // nobody collects it here, so that it stays as a zombie
        let status = format!("/proc/{}/stat", daemon.as_raw_nonzero());
        let ended = until("the daemon to end", Duration::from_secs(20), || async {
            let text = fs::read_to_string(&status).unwrap_or_default();
            if text.is_empty() || text.contains(") Z ") { Ok(()) } else { Err(text) }
        });
        if ended.await.is_err() {
            kill_process(daemon, Signal::KILL)?;
        }
        Ok(())
    }

    fn daemon(&self) -> Result<Pid> {
        let pid = fs::read_to_string(self.path("docker.pid"))?.trim().parse().ok().and_then(Pid::from_raw);
        pid.context("a process id")
    }

    /// The cgroup of its containers: named like its folder.
    fn cgroup(&self) -> String {
        self.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let _ = fs::remove_dir_all(&self.folder);
        // empty by now, but the kernel keeps them until somebody removes them, deepest first
        for controller in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let top = controller.path().join(self.cgroup());
            if top.is_dir() {
                let _ =
                    Command::new("find").arg(&top).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]).output();
            }
        }
    }
}

/// A director that goes on with what the one of an [`Installation`](crate::Installation) left.
pub struct Successor {
    child: Child,
    url: String,
}

impl Successor {
    /// Starts it with that one's settings, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready; the message has its log.
    pub async fn start(settings: &BTreeMap<String, String>, log: &Path) -> Result<Self> {
        prepare_clients();
        let Some(url) = settings.get("AERIE_PUBLIC_URL") else { bail!("these are no settings") };
        let file = fs::File::create(log)?;
        let child = Command::new(director_binary()?)
            .arg("serve")
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()?;
        let successor = Self { child, url: url.clone() };
        ready(url).await.with_context(|| fs::read_to_string(log).unwrap_or_default())?;
        Ok(successor)
    }

    /// A programme that speaks REST with it, not signed in.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
