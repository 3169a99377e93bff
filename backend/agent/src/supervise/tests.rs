//! One process at a time, with real processes.

use super::*;
use crate::{
    report::Entry,
    testing::{host, sh, until},
};
use aerie_agent_protocol::{CodePlan, HealthProbe, InstanceConfig, MetricsSpec, ProbeKind, ReloadMethod, StreamNames};
use std::{
    fs,
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A process that runs `script`, is taken as healthy while it runs and reloads by USR1.
pub(super) fn wanted(script: &str) -> Wanted {
    Wanted {
        generation: 1,
        spec: ProcessSpec {
            role: "web".parse().unwrap(),
            name: "web".into(),
            command: sh(script),
            environment: BTreeMap::new(),
            files: vec!["web.conf".into()],
            check: Vec::new(),
            reload: ReloadMethod::Signal("USR1".into()),
            stop_signal: "TERM".into(),
            stop_timeout_s: 2,
            health: HealthProbe { kind: ProbeKind::Alive, interval_ms: 100, timeout_ms: 1000, failures: 2 },
            streams: StreamNames::default(),
            metrics: MetricsSpec::default(),
        },
        environment: BTreeMap::new(),
        files: [0; 32],
    }
}

struct Scene {
    host: Host,
    folder: tempfile::TempDir,
    supervisor: Supervisor,
    wanted: Wanted,
}

impl Scene {
    /// `script` may use `$DIR`; `loaded` in it is what [`Scene::loaded`] reads.
    fn start(script: &str, change: impl FnOnce(&mut Wanted)) -> Self {
        let (mut host, _) = host();
        let folder = tempfile::tempdir().unwrap();
        host.cgroup = folder.path().to_owned();
        let mut wanted = wanted(script);
        wanted.environment.insert("DIR".into(), folder.path().display().to_string());
        change(&mut wanted);
        begin(&host, &wanted);
        let supervisor = Supervisor::new(host.clone(), wanted.clone());
        Self { host, folder, supervisor, wanted }
    }

    fn want(&mut self, change: impl FnOnce(&mut Wanted)) {
        self.wanted.generation += 1;
        change(&mut self.wanted);
        begin(&self.host, &self.wanted);
        self.supervisor.want(self.wanted.clone());
    }

    fn entry(&self) -> Entry {
        self.host.board.now().processes.remove(0)
    }

    async fn until(&self, condition: impl Fn(&Entry) -> bool) -> Entry {
        until(|| condition(&self.entry()), || format!("{:?}", self.entry())).await;
        self.entry()
    }

    async fn settled(&self) -> Entry {
        self.until(|entry| entry.settled == self.wanted.generation).await
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

fn begin(host: &Host, wanted: &Wanted) {
    host.board.begin(&InstanceConfig {
        generation: wanted.generation,
        instance: host.instance,
        files: Vec::new(),
        code: CodePlan::default(),
        processes: vec![wanted.spec.clone()],
        init: Vec::new(),
        environment: BTreeMap::new(),
        tasks: Vec::new(),
        drain: Vec::new(),
    });
}

/// Writes a line per start (when it is ready for signals) and per reload; TERM ends it.
const SERVER: &str = "trap 'echo reload >>$DIR/log' USR1; trap 'echo end >>$DIR/log; exit 0' TERM; echo start >>$DIR/log; \
     while :; do sleep 0.02; done";

/// Healthy once it has written its first line.
fn once_started(wanted: &mut Wanted) {
    wanted.spec.health.kind = ProbeKind::Exec { command: sh("test -e $DIR/log") };
}

#[tokio::test]
async fn a_process_starts_settles_and_stops() {
    let mut scene = Scene::start(SERVER, once_started);
    let entry = scene.settled().await;
    assert!(entry.report.healthy && entry.report.message.is_empty() && entry.attempted == 1);
    scene.supervisor.stop().await;
    assert_eq!(scene.read("log"), "start\nend\n");
    assert!(!scene.entry().report.healthy);
}

#[tokio::test]
async fn changed_files_reload_by_signal() {
    let mut scene = Scene::start(SERVER, once_started);
    scene.settled().await;
    scene.want(|wanted| wanted.files = [1; 32]);
    scene.settled().await;
    until(|| scene.read("log") == "start\nreload\n", || scene.read("log")).await;
    scene.want(|_| ());
    scene.settled().await;
    assert_eq!(scene.read("log"), "start\nreload\n", "the same files need nothing");
    assert_eq!(scene.entry().report.restarts, 0);
}

#[tokio::test]
async fn changed_files_are_told_by_a_program_and_only_then_by_signal() {
    let mut scene = Scene::start(SERVER, |wanted| {
        once_started(wanted);
        let command = sh("test ! -e $DIR/refuse && echo told >>$DIR/log");
        wanted.spec.reload = ReloadMethod::Exec { command, signal: "USR1".into() };
        wanted.spec.check = sh("echo checked >>$DIR/checks");
    });
    scene.settled().await;
    scene.want(|wanted| wanted.files = [1; 32]);
    scene.settled().await;
    assert_eq!((scene.read("log").as_str(), scene.read("checks").as_str()), ("start\ntold\n", ""));
    fs::write(scene.path("refuse"), "").unwrap();
    scene.want(|wanted| wanted.files = [2; 32]);
    scene.settled().await;
    until(|| scene.read("log") == "start\ntold\nreload\n", || scene.read("log")).await;
    assert_eq!(scene.read("checks"), "checked\n", "a real reload is checked first");
    assert_eq!(scene.entry().report.message, "");
}

#[tokio::test]
async fn a_changed_command_restarts() {
    let mut scene = Scene::start(SERVER, once_started);
    scene.settled().await;
    scene.want(|wanted| wanted.environment.insert("NEW".into(), "1".into()).map_or((), drop));
    scene.settled().await;
    until(|| scene.read("log") == "start\nend\nstart\n", || scene.read("log")).await;
    assert_eq!(scene.entry().report.restarts, 0, "not by itself");
}

#[tokio::test]
async fn a_failing_check_leaves_the_process_alone_until_it_passes() {
    let checked = |wanted: &mut Wanted| {
        once_started(wanted);
        wanted.spec.check = sh("test ! -e $DIR/bad || { echo line 7; exit 3; }");
    };
    let mut scene = Scene::start(SERVER, checked);
    scene.settled().await;
    fs::write(scene.path("bad"), "").unwrap();
    scene.want(|wanted| wanted.files = [1; 32]);
    let entry = scene.until(|entry| entry.attempted == 2).await;
    assert_eq!(entry.report.message, "refuses its configuration: the check ended with exit code 3:\nline 7");
    assert!(entry.report.healthy && entry.settled == 1);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(scene.read("log"), "start\n");
    assert!(!scene.entry().report.message.is_empty(), "healthy probes do not hide it");
    fs::remove_file(scene.path("bad")).unwrap();
    let entry = scene.settled().await;
    assert_eq!(entry.report.message, "");
    until(|| scene.read("log") == "start\nreload\n", || scene.read("log")).await;
}

#[tokio::test]
async fn going_back_to_the_loaded_files_ends_the_trouble() {
    let mut scene = Scene::start(SERVER, once_started);
    scene.settled().await;
    scene.want(|wanted| (wanted.files, wanted.spec.check) = ([1; 32], sh("exit 1")));
    scene.until(|entry| !entry.report.message.is_empty()).await;
    scene.want(|wanted| wanted.files = [0; 32]);
    let entry = scene.settled().await;
    assert_eq!(entry.report.message, "");
    assert_eq!(scene.read("log"), "start\n");
}

#[tokio::test]
async fn a_crash_is_explained_and_followed_by_restarts_with_growing_delays() {
    let script = "echo start >>$DIR/log; test -e $DIR/good && exec sleep 60; echo no database >&2; exit 7";
    let scene = Scene::start(script, |_| ());
    let begin = Instant::now();
    let entry = scene.until(|entry| entry.report.restarts == 2).await;
    assert!(begin.elapsed() >= Duration::from_millis(300), "100 ms and 200 ms");
    assert_eq!(entry.report.message, "ended with exit code 7:\nno database");
    let end = entry.report.last_end.unwrap();
    assert_eq!((end.code, end.signal, end.out_of_memory), (Some(7), None, false));
    fs::write(scene.path("good"), "").unwrap();
    let entry = scene.settled().await;
    assert_eq!(entry.report.message, "");
}

#[tokio::test]
async fn a_signal_from_elsewhere_is_named_and_nothing_of_the_group_stays() {
    let script = "test -e $DIR/child || { sleep 60 & echo $! >$DIR/child; sleep 0.3; kill -9 $$; }; exec sleep 60";
    let scene = Scene::start(script, |_| ());
    let entry = scene.until(|entry| !entry.report.message.is_empty()).await;
    assert_eq!(entry.report.message, "was ended by signal 9 (KILL) (killed from outside)");
    scene.until(|entry| entry.report.restarts == 1 && entry.report.healthy).await;
    let stat = fs::read_to_string(format!("/proc/{}/stat", scene.read("child").trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let scene = Scene::start("", |wanted| wanted.spec.command = vec!["/no/such/program".into()]);
    let entry = scene.until(|entry| entry.attempted == 1).await;
    assert!(entry.report.message.starts_with("cannot be started (/no/such/program)"), "{}", entry.report.message);
}

#[tokio::test]
async fn a_process_that_does_not_stop_is_killed_in_time() {
    let mut scene = Scene::start("trap '' TERM; while :; do sleep 0.02; done", |wanted| wanted.spec.stop_timeout_s = 1);
    scene.settled().await;
    let begin = Instant::now();
    scene.supervisor.stop().await;
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(900) && took < Duration::from_millis(2500), "{took:?}");
}

#[tokio::test]
async fn a_young_process_that_missed_the_signal_is_told_again() {
    let script = "trap '' TERM; sleep 0.5; trap 'exit 0' TERM; while :; do sleep 0.02; done";
    let mut scene = Scene::start(script, |wanted| wanted.spec.stop_timeout_s = 20);
    scene.settled().await;
    let begin = Instant::now();
    scene.supervisor.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn settled_waits_for_the_new_configuration_to_be_seen() {
    // Loads its file only on the signal, and a while after it.
    let script =
        "cp $DIR/conf $DIR/loaded; trap 'sleep 0.3; cp $DIR/conf $DIR/loaded' USR1; while :; do sleep 0.02; done";
    let probe = |n: &str| ProbeKind::Exec { command: sh(&format!("grep -q {n} $DIR/loaded")) };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("conf"), "one").unwrap();
    let dir = folder.path().display().to_string();
    let mut scene = Scene::start(script, |wanted| {
        wanted.environment.insert("DIR".into(), dir.clone());
        wanted.spec.health.kind = probe("one");
        wanted.spec.health.failures = 50;
    });
    scene.settled().await;
    fs::write(folder.path().join("conf"), "two").unwrap();
    scene.want(|wanted| {
        wanted.files = [1; 32];
        wanted.spec.health.kind = probe("two");
    });
    scene.until(|entry| entry.attempted == 2).await;
    assert_eq!(scene.entry().settled, 1);
    assert!(scene.entry().report.healthy, "a reload is not a failure");
    scene.settled().await;
    assert_eq!(fs::read_to_string(folder.path().join("loaded")).unwrap(), "two");
}

#[tokio::test]
async fn want_of_memory_is_named() {
    let script = "sleep 0.1; echo oom_kill 1 >$DIR/memory.events; kill -9 $$";
    let scene = Scene::start(script, |_| ());
    let entry = scene.until(|entry| !entry.report.message.is_empty()).await;
    assert!(entry.report.message.starts_with("was ended by signal 9 (KILL) because the instance ran out of memory"));
    let end = entry.report.last_end.unwrap();
    assert_eq!((end.code, end.signal.as_deref(), end.out_of_memory), (None, Some("signal 9 (KILL)"), true));
}

/// Answers every request with the content of a file.
async fn serve(file: std::path::PathBuf) -> (u16, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1000];
            let _ = stream.read(&mut request).await;
            let answer = format!("HTTP/1.1 200 OK\r\n\r\n{}", fs::read_to_string(&file).unwrap_or_default());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, AbortOnDropHandle::new(task))
}

#[tokio::test]
async fn a_reload_without_effect_is_repeated() {
    // Does nothing on the first signal.
    let script = "n=0; trap 'n=$((n+1)); test $n -lt 2 || echo two >$DIR/loaded' USR1; echo one >$DIR/loaded; \
         while :; do sleep 0.02; done";
    let folder = tempfile::tempdir().unwrap();
    let (port, _server) = serve(folder.path().join("loaded")).await;
    let expect = |text: &str| ProbeKind::Http { port, path: "/".into(), expect: text.into() };
    let mut scene = Scene::start(script, |wanted| {
        wanted.environment.insert("DIR".into(), folder.path().display().to_string());
        wanted.spec.health.kind = expect("one");
    });
    scene.settled().await;
    scene.want(|wanted| (wanted.files, wanted.spec.health.kind) = ([1; 32], expect("two")));
    let entry = scene.until(|entry| !entry.report.message.is_empty()).await;
    assert_eq!(entry.report.message, "answers /, but not yet with its new configuration");
    assert!(!entry.report.healthy, "two intervals of 100 ms are long over");
    let entry = scene.settled().await;
    assert!(entry.report.healthy && entry.report.message.is_empty());
}
