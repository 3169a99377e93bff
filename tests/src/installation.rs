//! A whole installation for one test: own database, ports, data directory, label and networks. Dropping it stops the
//! director and removes every container, network and volume that carries its label.

use crate::{Api, containers::Watch, until};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    env, fs,
    net::TcpListener,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};
use tempfile::TempDir;

/// Networks of tests lie apart from those of a running installation (10.208.0.0/12): each test gets a /20 of
/// 10.232.0.0 to 10.247.255.255. Where a run begins depends on its process, so that two runs on one machine hardly meet;
/// those of one `make test` have a half each.
static NEXT_POOL: AtomicU16 = AtomicU16::new(0);
const POOLS: u32 = 256;

/// Tells which of the two programs that `scripts/test` runs at a time this is, 0 or 1.
const LANE: &str = "AERIE_TEST_LANE";

/// How an installation differs from what tests use.
struct Setup {
    /// The optimised build instead of the debug one.
    release: bool,
    /// More environment variables of the director; they replace the usual ones.
    environment: Vec<(&'static str, String)>,
}

/// A running installation.
pub struct Installation {
    pub(crate) label: String,
    pub(crate) folder: TempDir,
    pub(crate) database: String,
    pub(crate) director: Option<Child>,
    /// More directors of the same installation.
    pub(crate) others: Vec<Child>,
    watch: Option<Watch>,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) programme: PathBuf,
    /// Port of the dashboard and the REST API.
    pub web_port: u16,
    /// Port at which applications answer.
    pub public_port: u16,
    /// Port on which agents are awaited.
    pub agent_port: u16,
    /// The same of a second director.
    pub(crate) agent_port_beside: u16,
}

impl Installation {
    /// Starts one and waits until it is ready. `name` is part of its label.
    ///
    /// # Errors
    /// When a part is missing; the message says which.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_with(name, &[]).await
    }

    /// The same with more, or other, settings of the director.
    ///
    /// # Errors
    /// As above.
    pub async fn start_with(name: &str, more: &[(&'static str, &str)]) -> Result<Self> {
        let admin = env::var("DATABASE_URL").context("DATABASE_URL names the test database server")?;
        Self::start_on(&admin, name, more).await
    }

    /// The same on another database server than all other tests: one with which a test may do what it likes.
    ///
    /// # Errors
    /// As above.
    pub async fn start_on(admin: &str, name: &str, more: &[(&'static str, &str)]) -> Result<Self> {
        let environment = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self::set_up(admin, name, Setup { release: false, environment }).await
    }

    /// The optimised build instead of the debug one, for measurements.
    ///
    /// # Errors
    /// As above.
    pub async fn start_release(name: &str, environment: Vec<(&'static str, String)>) -> Result<Self> {
        let admin = env::var("DATABASE_URL").context("DATABASE_URL names the test database server")?;
        Self::set_up(&admin, name, Setup { release: true, environment }).await
    }

    async fn set_up(admin: &str, name: &str, setup: Setup) -> Result<Self> {
        prepare_clients();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let profile = if setup.release { "release" } else { "debug" };
        let programme = target.join(profile).join("aerie-director");
        if !programme.exists() {
            bail!("{} is missing: run scripts/build {profile} first", programme.display());
        }
        let label = format!("test-{name}-{}", std::process::id());
        let database = label.replace('-', "_");
        psql(admin, &format!("create database {database}"))?;
        let (server, _) = admin.rsplit_once('/').context("DATABASE_URL ends with /<database>")?;
        let folder = tempfile::Builder::new().prefix(&label).tempdir_in("/var/tmp")?;
        let ports = free_ports()?;
        let pool = pool();
        let at = |path: &str| root.join(path).display().to_string();
        let mut environment = vec![
            ("AERIE_DATABASE_URL", format!("{server}/{database}")),
            ("AERIE_DATA_DIR", folder.path().join("data").display().to_string()),
            ("AERIE_LISTEN", format!("127.0.0.1:{}", ports[0])),
            ("AERIE_PUBLIC_URL", format!("http://localhost:{}", ports[0])),
            ("AERIE_AGENT_PORT", ports[1].to_string()),
            ("AERIE_AGENT_PORTS_BESIDE", ports[4].to_string()),
            ("AERIE_PUBLIC_BIND", "127.0.0.1".to_owned()),
            ("AERIE_PUBLIC_PORT", ports[2].to_string()),
            ("AERIE_ENTRY_READY_PORT", ports[3].to_string()),
            ("AERIE_INSTALLATION", label.clone()),
            ("AERIE_SUBNET_POOL", format!("10.{}.{}.0/20", 232 + pool / 16, (pool % 16) * 16)),
            ("AERIE_TEMPLATES_DIR", at("service-templates")),
            ("AERIE_STATIC_DIR", at("static")),
            ("AERIE_PKG_DIR", target.join("pkg").display().to_string()),
            ("AERIE_AGENT_BINARY", target.join(profile).join("static/aerie-agent").display().to_string()),
            ("AERIE_PREPARE_IMAGES", "false".to_owned()),
            ("AERIE_LOG", "text".to_owned()),
        ];
        let watch = Watch::start(&label)?;
        // Of two of one name the later one counts.
        environment.extend(setup.environment);
        let mut installation = Self {
            label,
            watch: Some(watch),
            folder,
            database: format!("{server}/{database}"),
            director: None,
            others: Vec::new(),
            environment,
            programme,
            web_port: ports[0],
            public_port: ports[2],
            agent_port: ports[1],
            agent_port_beside: ports[4],
        };
        fs::DirBuilder::new().mode(0o700).create(installation.folder.path().join("data"))?;
        installation.start_director()?;
        installation.ready().await?;
        Ok(installation)
    }

    fn start_director(&mut self) -> Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("director.log"))?;
        let child = Command::new(&self.programme)
            .arg("serve")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.director = Some(child);
        Ok(())
    }

    async fn ready(&self) -> Result<()> {
        ready(&self.url()).await.with_context(|| format!("director log:\n{}", self.director_log()))
    }

    /// Kills the director as a crash would.
    ///
    /// # Errors
    /// When it was not running.
    pub fn kill_director(&mut self) -> Result<()> {
        let mut child = self.director.take().context("the director is not running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts a killed director again and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn restart_director(&mut self) -> Result<()> {
        self.start_director()?;
        self.ready().await
    }

    /// Process id of the director, while it runs.
    #[must_use]
    pub fn director_id(&self) -> Option<u32> {
        self.director.as_ref().map(Child::id)
    }

    /// Address of its database.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its label, which is in the names of everything it makes.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Address of the dashboard.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.web_port)
    }

    /// A programme that speaks REST with it, not signed in.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(&self.url())
    }

    /// Password of the first administrator, whose name is `teacher`.
    ///
    /// # Errors
    /// When there is none.
    pub fn admin_password(&self) -> Result<String> {
        let path = self.folder.path().join("data/admin-password");
        Ok(fs::read_to_string(&path).with_context(|| path.display().to_string())?.trim().to_owned())
    }

    /// The first administrator, signed in.
    ///
    /// # Errors
    /// When refused.
    pub async fn admin(&self) -> Result<Api> {
        self.api().log_in_with("teacher", &self.admin_password()?).await
    }

    /// The newest lines of the director's log, for failures.
    #[must_use]
    pub fn director_log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("director.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Names of the containers of this installation, running or not.
    ///
    /// # Errors
    /// When Docker does not answer.
    pub fn containers(&self) -> Result<Vec<String>> {
        self.labelled(&["ps", "--all", "--format", "{{.Names}}"])
    }

    pub(crate) fn labelled(&self, arguments: &[&str]) -> Result<Vec<String>> {
        labelled(&self.label, arguments)
    }

    /// The settings of its director, for one that goes on with what this one leaves.
    #[must_use]
    pub fn settings(&self) -> BTreeMap<String, String> {
        self.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// Runs the director's program with the installation's settings and another command, as an operator would; gives
    /// whether it ended well, and all that it said.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn run_director(&self, arguments: &[&str]) -> Result<(bool, String)> {
        let output =
            Command::new(director_binary()?).args(arguments).envs(self.environment.iter().cloned()).output()?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), format!("{out}{err}")))
    }

    /// Runs one docker command against a container of this installation.
    ///
    /// # Errors
    /// When it fails.
    pub fn docker(&self, arguments: &[&str]) -> Result<String> {
        docker(arguments)
    }

    /// Copies the directors' logs and the containers' output to a folder that outlives the test, for failures.
    pub fn keep_evidence(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/test/evidence")
            .join(self.label.trim_end_matches(|c: char| c.is_ascii_digit()));
        if fs::create_dir_all(&folder).is_err() {
            return;
        }
        for log in ["director.log", "director-2.log"] {
            let _ = fs::remove_file(folder.join(log));
            let _ = fs::copy(self.folder.path().join(log), folder.join(log));
        }
        for name in self.containers().unwrap_or_default() {
            if let Ok(text) = docker(&["logs", "--timestamps", &name]) {
                let _ = fs::write(folder.join(format!("{name}.log")), text);
            }
        }
    }
}

/// What a director has shared with mounters stays when it is killed.
fn release_mounts(label: &str) {
    let folder = Path::new("/run/aerie").join(label);
    let below = || -> Vec<PathBuf> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let points = mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
        points.filter(|point| point.starts_with(&folder)).collect()
    };
    for point in below().iter().rev() {
        let _ = Command::new("umount").arg("--lazy").arg(point).status();
    }
    // With something mounted there, this would remove what is on it.
    if below().is_empty() {
        let _ = fs::remove_dir_all(&folder);
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        // Tests fail by returning an error too, so there is no telling here: always kept, replaced by the next run.
        self.keep_evidence();
        for mut child in self.director.take().into_iter().chain(self.others.drain(..)) {
            // one that is stopped ends as well
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = Command::new(director_binary().unwrap_or_default())
            .args(["firewall", "remove"])
            .envs(self.environment.iter().cloned())
            .stdout(Stdio::null())
            .status();
        let found = self.watch.take().map(Watch::finish);
        for (list, remove) in [
            (["ps", "--all", "--quiet"].as_slice(), ["rm", "--force", "--volumes"].as_slice()),
            (["network", "ls", "--quiet"].as_slice(), ["network", "rm"].as_slice()),
            (["volume", "ls", "--quiet"].as_slice(), ["volume", "rm", "--force"].as_slice()),
        ] {
            let ids = labelled(&self.label, list).unwrap_or_default();
            if !ids.is_empty() {
                let arguments: Vec<&str> = remove.iter().copied().chain(ids.iter().map(String::as_str)).collect();
                let _ = docker(&arguments);
            }
        }
        release_mounts(&self.label);
        if let Some((server, database)) = self.database.rsplit_once('/') {
            let _ = psql(&format!("{server}/postgres"), &format!("drop database if exists {database} with (force)"));
        }
        // After everything has been cleaned up, and not on top of another failure.
        if let Some(Err(problems)) = found
            && !std::thread::panicking()
        {
            panic!("containers of this story may do what they should not:\n{problems}");
        }
    }
}

fn pool() -> u32 {
    let next = std::process::id().wrapping_mul(13).wrapping_add(NEXT_POOL.fetch_add(1, Ordering::Relaxed).into());
    match env::var(LANE).ok().and_then(|lane| lane.parse::<u32>().ok()) {
        Some(lane) => lane % 2 * (POOLS / 2) + next % (POOLS / 2),
        None => next % POOLS,
    }
}

/// Clients of tests speak no TLS, but share their crate with the agent, whose client brings no provider and then wants one to be
/// there. A second call changes nothing.
pub(crate) fn prepare_clients() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The director that `scripts/build debug` made.
pub(crate) fn director_binary() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug/aerie-director"))
}

/// Waits until the director at this address says that it is ready.
pub(crate) async fn ready(base: &str) -> Result<()> {
    let url = format!("{base}/readyz");
    let client = reqwest::Client::new();
    until("the director to be ready", Duration::from_secs(60), || async {
        let response = client.get(&url).send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        if status.is_success() { Ok(()) } else { Err(response.text().await.unwrap_or_default()) }
    })
    .await
}

fn labelled(label: &str, arguments: &[&str]) -> Result<Vec<String>> {
    let filter = format!("label=aerie.installation={label}");
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--filter", &filter]).collect();
    Ok(docker(&arguments)?.lines().map(str::to_owned).collect())
}

pub(crate) fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker").args(arguments).output().context("docker cannot be run")?;
    if !output.status.success() {
        bail!("docker {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(format!("{out}{err}"))
}

fn psql(url: &str, statement: &str) -> Result<()> {
    let output = Command::new("psql").args(["--quiet", "--dbname", url, "--command", statement]).output()?;
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Four ports that were free a moment ago.
pub(crate) fn free_ports() -> Result<[u16; 5]> {
    let listeners: Vec<TcpListener> = (0..5).map(|_| TcpListener::bind("0.0.0.0:0")).collect::<Result<_, _>>()?;
    let mut ports = [0; 5];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
