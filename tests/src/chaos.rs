//! What tests do to an installation that no user does: kill, freeze, count what is left, compare it with the rows.

use crate::{
    Api, Installation,
    installation::{director_binary, docker, free_ports, ready},
    until,
};
use aerie_domain::{ServiceId, views::LogLine};
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

impl Installation {
    /// Starts the director anew with more in its environment, for this start only; kills it before if it runs.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn restart_director_with(&mut self, more: &[(&'static str, &str)]) -> Result<()> {
        if self.director.is_some() {
            self.kill_director()?;
        }
        let usual = self.environment.clone();
        self.environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let started = self.restart_director().await;
        self.environment = usual;
        started
    }

    /// Starts a director that must refuse to start, and gives what it says.
    ///
    /// # Errors
    /// When it goes on for ten seconds.
    pub fn director_refuses(&self, more: &[(&'static str, &str)]) -> Result<String> {
        let output = Command::new("timeout")
            .arg("10")
            .arg(director_binary()?)
            .arg("serve")
            .envs(self.environment.iter().cloned())
            .envs(more.iter().copied())
            .output()?;
        ensure!(output.status.code() == Some(1), "it should have refused to start: {}", output.status);
        Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// Starts another director over the same database and data directory, on ports of its own, and waits until it is
    /// ready. It ends with the installation.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn another_director(&mut self) -> Result<Api> {
        let ports = free_ports()?;
        let own = [
            ("AERIE_LISTEN", format!("127.0.0.1:{}", ports[0])),
            ("AERIE_PUBLIC_URL", format!("http://localhost:{}", ports[0])),
            ("AERIE_AGENT_PORT", self.agent_port_beside.to_string()),
            ("AERIE_AGENT_PORTS_BESIDE", self.agent_port.to_string()),
        ];
        let log = File::options().create(true).append(true).open(self.folder.path().join("director-2.log"))?;
        let mut command = Command::new(director_binary()?);
        command.arg("serve").envs(self.environment.iter().cloned()).envs(own).stdin(Stdio::null());
        self.others.push(command.stdout(log.try_clone()?).stderr(log).spawn()?);
        let base = format!("http://localhost:{}", ports[0]);
        ready(&base).await?;
        Ok(Api::new(&base))
    }

    /// Waits until the director has been ended by SIGKILL: by its crash point, if nobody else did it.
    ///
    /// # Errors
    /// When it goes on, or ends in another way.
    pub async fn crashed(&mut self) -> Result<()> {
        let mut child = self.director.take().context("a director was started")?;
        for _ in 0..600 {
            if let Some(status) = child.try_wait()? {
                ensure!(status.signal() == Some(Signal::KILL.as_raw()), "the director ended with {status}");
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.director = Some(child);
        anyhow::bail!("the director never came to its crash point:\n{}", self.director_log())
    }

    /// Waits until the director stands still at its freeze point.
    ///
    /// # Errors
    /// When it goes on.
    pub async fn frozen(&self) -> Result<()> {
        let id = self.director_id().context("a director was started")?;
        until("the director to stand still", Duration::from_secs(30), || async {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).map_err(|error| error.to_string())?;
            // the state comes after the name, which is in parentheses
            let state = stat.rsplit(") ").next().unwrap_or_default().chars().next();
            if state == Some('T') { Ok(()) } else { Err(format!("{state:?}")) }
        })
        .await
    }

    /// Sends the director a signal.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal_director(&self, signal: Signal) -> Result<()> {
        let child = self.director.as_ref().context("a director was started")?;
        send(child, signal)
    }

    /// Asks the database; one row per line, columns separated by `|`.
    ///
    /// # Errors
    /// When it refuses.
    pub fn sql(&self, query: &str) -> Result<Vec<String>> {
        let arguments = ["--quiet", "--tuples-only", "--no-align", "--dbname", &self.database, "--command", query];
        let output = Command::new("psql").args(arguments).output()?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// Waits until what is in Docker is what the rows say, container by container: nothing is missing, nothing is left
    /// over, everything runs; and no request is open.
    ///
    /// # Errors
    /// When it does not get so: with both lists.
    pub async fn wait_until_tidy(&self, limit: Duration) -> Result<()> {
        until("Docker and the rows to agree", limit, || async {
            self.untidy().map_err(|error| error.to_string())?.map_or(Ok(()), Err)
        })
        .await
    }

    fn untidy(&self) -> Result<Option<String>> {
        let set = |lines: Vec<String>| lines.into_iter().filter(|line| !line.is_empty()).collect::<BTreeSet<_>>();
        let containers =
            set(self.labelled(&["ps", "--all", "--format", "{{.Label \"aerie.instance\"}} {{.State}}"])?);
        let rows = set(self.sql("select id || ' running' from instances where wanted")?);
        let condemned = self.sql("select short from instances where not wanted")?;
        let networks = set(self.labelled(&["network", "ls", "--format", "{{.Name}}"])?);
        // the entry's application is on the host's network
        let applications = set(self.sql(&format!(
            "select distinct '{}-' || right(replace(a.id::text, '-', ''), 8) from applications a
               join services s on s.application_id = a.id and s.kind <> 'entry' where s.state <> 'INIT'",
            self.label
        ))?);
        let volumes = set(self.labelled(&["volume", "ls", "--format", "{{.Label \"aerie.service\"}}"])?);
        let services = set(self.sql("select id from services where kind <> 'entry' and state <> 'INIT'")?);
        let open = self.sql("select kind || ' ' || progress from operations where ended_at is null")?;
        let tidy = containers == rows
            && condemned.is_empty()
            && networks == applications
            && volumes.is_subset(&services)
            && open.is_empty();
        Ok((!tidy).then(|| {
            format!(
                "containers {containers:?}\nrows {rows:?}\ncondemned {condemned:?}\nnetworks {networks:?}\n\
                 applications {applications:?}\nvolumes {volumes:?}\nservices {services:?}\nopen {open:?}"
            )
        }))
    }

    /// Names of the containers of one service, running or not.
    ///
    /// # Errors
    /// When Docker does not answer.
    pub fn containers_of(&self, service: ServiceId) -> Result<Vec<String>> {
        let filter = format!("label=aerie.service={service}");
        self.labelled(&["ps", "--all", "--format", "{{.Names}}", "--filter", &filter])
    }
}

/// Sends a process that a test started a signal.
///
/// # Errors
/// When it is gone.
pub fn send(child: &Child, signal: Signal) -> Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id")?;
    Ok(kill_process(pid, signal)?)
}

/// Somebody who writes down everything that containers print, as long as they are there.
pub struct Witness {
    folder: TempDir,
    watching: Vec<(String, Child)>,
}

impl Witness {
    /// Watches these containers from their first line on.
    ///
    /// # Errors
    /// When Docker cannot be run.
    pub fn of(containers: &[String]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let watching = containers.iter().map(|name| Ok((name.clone(), follow(name, folder.path())?)));
        let watching = watching.collect::<Result<_>>()?;
        Ok(Self { folder, watching })
    }

    /// For each container that is gone: its short id and when each of its lines was written.
    ///
    /// # Errors
    /// When a line cannot be read.
    pub fn of_the_gone(&mut self) -> Result<Vec<(String, BTreeSet<OffsetDateTime>)>> {
        let mut gone = Vec::new();
        for (name, child) in &mut self.watching {
            if docker(&["inspect", name.as_str()]).is_ok() {
                child.kill()?;
            }
            let ended_by_itself = child.wait()?.success();
            if !ended_by_itself {
                continue;
            }
            let text = fs::read_to_string(self.folder.path().join(&name))?;
            let times = text.lines().filter_map(|line| line.split_once(' ')).map(|(at, _)| at);
            let times: Result<_, _> = times.map(|at| OffsetDateTime::parse(at, &Rfc3339)).collect();
            let short = name.rsplit('-').next().unwrap_or_default().to_owned();
            gone.push((short, times.with_context(|| format!("output of {name}"))?));
        }
        self.watching.clear();
        Ok(gone)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        for (_, child) in &mut self.watching {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn follow(name: &str, folder: &Path) -> Result<Child> {
    let file = File::create(folder.join(name))?;
    let mut command = Command::new("docker");
    command.args(["logs", "--follow", "--timestamps", name]).stdin(Stdio::null());
    Ok(command.stdout(file.try_clone()?).stderr(Stdio::null()).spawn()?)
}

/// Which of the lines that were written are missing among those that are kept; kept ones may begin later.
#[must_use]
pub fn missing(written: &BTreeSet<OffsetDateTime>, kept: &[LogLine]) -> usize {
    let kept: BTreeSet<OffsetDateTime> = kept.iter().map(|line| line.at).collect();
    let Some(first) = kept.first() else { return written.len() };
    written.range(first..).filter(|at| !kept.contains(*at)).count()
}
