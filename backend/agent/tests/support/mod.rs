//! The actors of the tests: a director that a test controls, and the real agent as a process of its own.

pub mod agent;
pub mod director;

use aerie_agent_protocol::{
    CodePlan, FileSpec, HealthProbe, InstanceConfig, MetricsSpec, ProbeKind, ProcessSpec, ReloadMethod, StreamNames,
};
use aerie_domain::InstanceId;
use agent::Agent;
use director::Director;
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A director, an agent that was started for it, and the folder they work in.
pub struct Scene {
    pub director: Director,
    pub agent: Agent,
    pub folder: tempfile::TempDir,
    pub instance: InstanceId,
}

impl Scene {
    /// Starts both and waits until they talk.
    pub async fn start() -> Self {
        let scene = Self::start_apart().await;
        scene.until(|scene| scene.director.hellos() == 1).await;
        scene
    }

    /// Starts both.
    pub async fn start_apart() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let instance = InstanceId::generate();
        let director = Director::start().await;
        let identity = director.identity(instance);
        let agent = Agent::start(director.address(), instance, &identity, folder.path());
        Self { director, agent, folder, instance }
    }

    /// A configuration with these processes; their scripts know the scene's folder as `$DIR`.
    pub fn config(&self, generation: i64, processes: Vec<ProcessSpec>) -> InstanceConfig {
        let dir = self.folder.path().display().to_string();
        InstanceConfig {
            generation,
            instance: self.instance,
            files: Vec::new(),
            code: CodePlan::default(),
            processes,
            init: Vec::new(),
            environment: BTreeMap::from([("DIR".to_owned(), dir)]),
            tasks: Vec::new(),
            drain: Vec::new(),
        }
    }

    /// Waits until the director has been told that `generation` is applied.
    pub async fn applied(&self, generation: i64) {
        self.until(|scene| scene.director.report().applied_generation == generation).await;
    }

    /// Waits for anything; tells the last report and the log if it does not happen.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition(self) {
            assert!(
                Instant::now() < deadline,
                "did not happen; last report: {:#?}\nlog:\n{}",
                self.director.report(),
                self.agent.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

/// A shell script as a command.
pub fn sh(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

/// A configuration file.
pub fn file(path: &str, content: &str) -> FileSpec {
    FileSpec { path: path.to_owned(), content: content.to_owned(), mode: 0o640 }
}

/// A process that is healthy while it runs.
pub fn process(name: &str, script: &str) -> ProcessSpec {
    ProcessSpec {
        role: "web".parse().expect("a role"),
        name: name.to_owned(),
        command: sh(script),
        environment: BTreeMap::new(),
        files: Vec::new(),
        check: Vec::new(),
        reload: ReloadMethod::Restart,
        stop_signal: "TERM".to_owned(),
        stop_timeout_s: 5,
        health: HealthProbe { kind: ProbeKind::Alive, interval_ms: 100, timeout_ms: 1000, failures: 2 },
        streams: StreamNames::default(),
        metrics: MetricsSpec::default(),
    }
}

/// A process that notes its end as its name in `$DIR/log`, and is healthy once it would.
pub fn noted(name: &str) -> ProcessSpec {
    let script =
        format!("trap 'echo {name} >>$DIR/log; exit' TERM; touch $DIR/{name}.ready; while :; do sleep 0.02; done");
    let mut spec = process(name, &script);
    spec.health.kind = ProbeKind::Exec { command: sh(&format!("test -e $DIR/{name}.ready")) };
    spec
}

/// A process that copies its file to `$DIR/loaded` when it starts and when it gets USR1, and is healthy once the copy
/// holds `expect`. It notes its start and end in `$DIR/log`.
pub fn server(expect: &str) -> ProcessSpec {
    let load = "cp $DIR/run/server.conf $DIR/loaded";
    let script = format!(
        "echo start >>$DIR/log; trap 'echo reload >>$DIR/log; {load}' USR1; trap 'echo end >>$DIR/log; exit' TERM; \
         {load}; while :; do sleep 0.02; done"
    );
    ProcessSpec {
        files: vec!["server.conf".to_owned()],
        reload: ReloadMethod::Signal("USR1".to_owned()),
        health: HealthProbe {
            kind: ProbeKind::Exec { command: sh(&format!("grep -q {expect} $DIR/loaded")) },
            interval_ms: 200,
            timeout_ms: 2000,
            failures: 5,
        },
        ..process("server", &script)
    }
}
