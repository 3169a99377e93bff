//! The reconciler without a network: configurations in, processes and board out.

use super::*;
use crate::{
    code::fetch::Bytes,
    report::State,
    testing::{host, sh, until},
};
use aerie_agent_protocol::{
    CodeVersionSpec, FileSpec, HealthProbe, HookSpec, MetricsSpec, ProbeKind, ReloadMethod, StreamNames,
};
use aerie_domain::CodeVersionId;
use futures_util::{StreamExt, future::BoxFuture, stream};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio_util::task::AbortOnDropHandle;

/// One archive, given when the gate is open.
#[derive(Default)]
struct Gate {
    open: AtomicBool,
}

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(2);
    tar.append_data(&mut header, "index.html", &b"hi"[..]).unwrap();
    zstd::encode_all(&*tar.into_inner().unwrap(), 1).unwrap()
}

fn version() -> CodeVersionSpec {
    let bytes = archive();
    let digest = hex::encode(Sha256::digest(&bytes));
    CodeVersionSpec { id: CodeVersionId::generate(), digest, size_bytes: bytes.len() as u64 }
}

impl CodeSource for Gate {
    fn open<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Bytes, String>> {
        Box::pin(async move {
            if !self.open.load(Ordering::SeqCst) {
                return Err("the director is away".to_owned());
            }
            Ok(stream::iter([Ok(archive())]).boxed())
        })
    }
}

struct Scene {
    host: Host,
    folder: tempfile::TempDir,
    targets: Targets,
    gate: Arc<Gate>,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Scene {
    fn new() -> Self {
        let (host, _) = host();
        let folder = tempfile::tempdir().unwrap();
        let targets = Targets::new(host.instance);
        let gate = Arc::new(Gate::default());
        let (run, code) = (folder.path().join("run"), folder.path().join("code"));
        let reconciler = Reconciler::new(host.clone(), &targets, run, code, gate.clone());
        let stop = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(reconciler.run(stop.clone())));
        Self { host, folder, targets, gate, stop, task }
    }

    fn config(&self, generation: i64, processes: Vec<ProcessSpec>) -> InstanceConfig {
        let dir = self.folder.path().display().to_string();
        InstanceConfig {
            generation,
            instance: self.host.instance,
            files: Vec::new(),
            code: CodePlan::default(),
            processes,
            init: Vec::new(),
            environment: BTreeMap::from([("DIR".to_owned(), dir)]),
            tasks: Vec::new(),
            drain: Vec::new(),
        }
    }

    fn offer(&self, config: InstanceConfig) {
        assert_eq!(self.targets.offer(config), Offer::Taken);
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) -> State {
        until(|| condition(&self.host.board.now()), || format!("{:?}", self.host.board.now())).await;
        self.host.board.now()
    }

    async fn applied(&self, generation: i64) -> State {
        self.until(|state| state.applied == generation).await
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// Logs its start and end to `$DIR/log`; healthy once it has done the former.
fn process(name: &str) -> ProcessSpec {
    let script =
        format!("trap 'echo -{name} >>$DIR/log; exit' TERM; echo +{name} >>$DIR/log; while :; do sleep 0.02; done");
    let started = ProbeKind::Exec { command: sh(&format!("grep -q +{name} $DIR/log")) };
    ProcessSpec {
        role: "web".parse().unwrap(),
        name: name.to_owned(),
        command: sh(&script),
        environment: BTreeMap::new(),
        files: Vec::new(),
        check: Vec::new(),
        reload: ReloadMethod::Restart,
        stop_signal: "TERM".into(),
        stop_timeout_s: 5,
        health: HealthProbe { kind: started, interval_ms: 50, timeout_ms: 5000, failures: 3 },
        streams: StreamNames::default(),
        metrics: MetricsSpec::default(),
    }
}

#[tokio::test]
async fn everything_happens_in_order() {
    let scene = Scene::new();
    let mut config = scene.config(1, vec![process("a"), process("b")]);
    config.files = vec![FileSpec { path: "x.conf".into(), content: "1".into(), mode: 0o640 }];
    let init = sh("echo init $(cat $DIR/run/x.conf) >>$DIR/log");
    config.init = vec![HookSpec { name: "init".into(), role: "web".parse().unwrap(), command: init, timeout_s: 5 }];
    scene.offer(config.clone());
    scene.applied(1).await;
    // The order of starting is that of the configuration, but the shells behind it run side by side.
    assert!(["init 1\n+a\n+b\n", "init 1\n+b\n+a\n"].contains(&scene.read("log").as_str()), "{}", scene.read("log"));

    config.generation = 2;
    config.processes = vec![process("b"), process("c")];
    config.files.clear();
    scene.offer(config);
    let state = scene.applied(2).await;
    assert_eq!(state.processes.iter().map(|p| p.report.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    let log = scene.read("log");
    assert!(log.ends_with("-a\n+c\n") && log.matches("init").count() == 1 && log.matches("+b").count() == 1, "{log}");
    assert!(!scene.folder.path().join("run/x.conf").exists());

    scene.stop.cancel();
    scene.task.await.unwrap();
    let log = fs::read_to_string(scene.folder.path().join("log")).unwrap();
    assert!(log.ends_with("-c\n-b\n"), "the last one started stops first: {log}");
}

#[tokio::test]
async fn code_is_staged_when_it_can_be_and_cleared_when_it_is_not_wanted() {
    let scene = Scene::new();
    let mut config = scene.config(1, vec![process("a")]);
    config.code = CodePlan { versions: vec![version()], check: sh("echo looked; exit 1"), prepare: None };
    scene.offer(config.clone());
    let state = scene.until(|state| !state.problem.is_empty()).await;
    assert_eq!(state.report().problem, "the code cannot be fetched: the director is away");
    assert!(scene.read("log").is_empty(), "nothing starts without its code");
    scene.gate.open.store(true, Ordering::SeqCst);
    let report = scene.applied(1).await.report();
    assert_eq!(report.problem, "");
    assert_eq!(report.staged, [config.code.versions[0].id]);
    assert!(!report.checks[0].ok && report.checks[0].output == "looked");

    let old = config.code.versions[0].id;
    config.generation = 2;
    config.code.versions = vec![version()];
    scene.offer(config.clone());
    let report = scene.applied(2).await.report();
    assert_eq!(report.staged, [config.code.versions[0].id]);
    assert!(!scene.folder.path().join("code").join(old.to_string()).exists());
}

#[tokio::test]
async fn a_newer_configuration_takes_over_from_one_that_is_stuck() {
    let scene = Scene::new();
    let mut stuck_code = scene.config(1, Vec::new());
    stuck_code.code.versions = vec![version()];
    scene.offer(stuck_code);
    scene.until(|state| !state.problem.is_empty()).await;

    let mut never_healthy = process("a");
    never_healthy.health.kind = ProbeKind::Exec { command: sh("exit 1") };
    scene.offer(scene.config(2, vec![never_healthy]));
    scene.until(|state| state.target == 2 && state.attempted("a", 2)).await;
    assert_eq!(scene.host.board.now().applied, 0);

    scene.offer(scene.config(3, vec![process("a")]));
    let state = scene.applied(3).await;
    assert_eq!(state.report().problem, "");
    assert_eq!(scene.read("log"), "+a\n", "the running process only had to be probed otherwise");
}

#[tokio::test]
async fn mistakes_in_a_configuration_are_told_and_change_nothing() {
    let scene = Scene::new();
    scene.offer(scene.config(1, vec![process("a")]));
    scene.applied(1).await;
    scene.offer(scene.config(2, vec![process("a"), process("a")]));
    let state = scene.until(|state| !state.problem.is_empty()).await;
    assert_eq!(state.report().problem, "the configuration has two processes called a");
    let mut config = scene.config(3, vec![process("a")]);
    config.files = vec![FileSpec { path: "../x".into(), content: String::new(), mode: 0o640 }];
    scene.offer(config);
    let state = scene.until(|state| state.problem.contains("../x")).await;
    assert_eq!((state.applied, state.target), (1, 3));
    assert!(state.processes[0].report.healthy);
    assert_eq!(scene.read("log"), "+a\n");
}

#[tokio::test]
async fn a_failing_script_holds_the_processes_back_and_is_told() {
    let scene = Scene::new();
    let mut config = scene.config(1, vec![process("a")]);
    let script = sh("test -e $DIR/ready || { echo not ready; exit 1; }");
    config.init = vec![HookSpec { name: "init".into(), role: "web".parse().unwrap(), command: script, timeout_s: 5 }];
    scene.offer(config);
    let state = scene.until(|state| !state.problem.is_empty()).await;
    assert_eq!(state.report().problem, "the script init of web ended with exit code 1:\nnot ready");
    assert!(scene.read("log").is_empty());
    fs::write(scene.folder.path().join("ready"), "").unwrap();
    scene.applied(1).await;
}
