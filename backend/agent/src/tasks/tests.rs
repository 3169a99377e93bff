use super::*;
use crate::{
    apply::Offer,
    code::fetch::Bytes,
    testing::{Shared, host, sh, until},
};
use aerie_agent_protocol::CodePlan;
use futures_util::{StreamExt, future::BoxFuture, stream};
use std::{fs, sync::Mutex};
use tokio_util::task::AbortOnDropHandle;

/// Gives the pieces that were put in, and keeps what comes out.
#[derive(Default)]
struct Store {
    input: Mutex<Vec<Result<Vec<u8>, String>>>,
    output: Arc<Mutex<Vec<u8>>>,
    refuses: bool,
}

impl Blobs for Store {
    fn open(&self, _: ActionRunId) -> BoxFuture<'static, Result<Bytes, String>> {
        let pieces = std::mem::take(&mut *self.input.lock().unwrap());
        Box::pin(async move { Ok(stream::iter(pieces).boxed()) })
    }

    fn keep(&self, _: ActionRunId, mut bytes: Bytes) -> BoxFuture<'static, Result<(), String>> {
        let (output, refuses) = (Arc::clone(&self.output), self.refuses);
        Box::pin(async move {
            while let Some(piece) = bytes.next().await {
                output.lock().unwrap().extend(piece?);
            }
            if refuses { Err("the disk is nearly full".to_owned()) } else { Ok(()) }
        })
    }
}

struct Scene {
    host: Host,
    log: Shared,
    folder: tempfile::TempDir,
    targets: Targets,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
    generation: i64,
    tasks: Vec<TaskSpec>,
}

impl Scene {
    fn new() -> Self {
        Self::with(Store::default())
    }

    fn with(blobs: Store) -> Self {
        let (host, log) = host();
        let targets = Targets::new(host.instance);
        let stop = CancellationToken::new();
        let task =
            AbortOnDropHandle::new(tokio::spawn(Tasks::new(host.clone(), &targets, Arc::new(blobs)).run(stop.clone())));
        let folder = tempfile::tempdir().unwrap();
        Self { host, log, folder, targets, stop, task, generation: 0, tasks: Vec::new() }
    }

    /// One whose first configuration is applied.
    fn ready() -> Self {
        Self::ready_with(Store::default())
    }

    fn ready_with(blobs: Store) -> Self {
        let scene = Self::with(blobs);
        scene.host.board.update(|state| state.applied = 1);
        scene
    }

    fn spec(&self, name: &str, command: Vec<String>) -> TaskSpec {
        TaskSpec {
            id: ActionRunId::generate(),
            life: self.host.board.now().life.unwrap(),
            name: name.parse().unwrap(),
            role: "node".parse().unwrap(),
            command,
            environment: [("DIR".to_owned(), self.folder.path().display().to_string())].into(),
            timeout_s: 0,
            stops: Vec::new(),
            stop_timeout_s: 1,
            input: false,
            output: false,
        }
    }

    fn script(&self, name: &str, script: &str) -> TaskSpec {
        self.spec(name, sh(script))
    }

    /// Sends everything again with the next generation.
    fn send(&mut self) {
        self.generation += 1;
        let config = InstanceConfig {
            generation: self.generation,
            instance: self.host.instance,
            files: Vec::new(),
            code: CodePlan::default(),
            processes: Vec::new(),
            init: Vec::new(),
            environment: BTreeMap::from([("A".to_owned(), "configured".to_owned())]),
            tasks: self.tasks.clone(),
            drain: Vec::new(),
        };
        assert_eq!(self.targets.offer(config), Offer::Taken);
    }

    fn add(&mut self, spec: TaskSpec) -> ActionRunId {
        let id = spec.id;
        self.tasks.push(spec);
        self.send();
        id
    }

    fn progress(&self, id: ActionRunId) -> Option<TaskProgress> {
        self.host.board.now().tasks.get(&id).cloned()
    }

    async fn end(&self, id: ActionRunId) -> (Option<i32>, String) {
        let ended = || matches!(self.progress(id), Some(TaskProgress::Ended { .. }));
        until(ended, || format!("{:?} {}", self.progress(id), self.log.text())).await;
        match self.progress(id) {
            Some(TaskProgress::Ended { code, message }) => (code, message),
            other => panic!("{other:?}"),
        }
    }

    async fn written(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        until(|| path.exists(), || format!("{name}: {}", self.log.text())).await;
        fs::read_to_string(path).unwrap()
    }

    fn interrupt(&self, script: &str) -> TaskSpec {
        TaskSpec { stops: vec!["run".parse().unwrap()], ..self.script("interrupt", script) }
    }
}

#[tokio::test]
async fn a_task_runs_once_however_often_it_is_sent() {
    let mut scene = Scene::ready();
    let id = scene.add(scene.script("run", "echo \"$AERIE_ROLE $A\" >>$DIR/log; echo said; exit 3"));
    let (code, message) = scene.end(id).await;
    assert_eq!((code, message.as_str()), (Some(3), "ended with exit code 3:\nsaid"));
    scene.send();
    scene.send();
    let other = scene.add(scene.script("run", "true"));
    assert_eq!(scene.end(other).await, (Some(0), "ended with exit code 0".to_owned()));
    assert_eq!(scene.written("log").await, "node configured\n", "once");
    until(|| scene.log.text().contains("node|run|said\n"), || scene.log.text()).await;
    scene.tasks.clear();
    scene.send();
    until(|| scene.host.board.now().tasks.is_empty(), || "it forgets".to_owned()).await;
}

#[tokio::test]
async fn tasks_of_another_life_are_left_alone_and_all_wait_for_the_first_configuration() {
    let mut scene = Scene::new();
    let foreign = TaskSpec { life: aerie_domain::LifeId::generate(), ..scene.script("run", "touch $DIR/foreign") };
    scene.add(foreign);
    let id = scene.add(scene.script("run", "touch $DIR/own"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(scene.progress(id), None, "nothing is applied yet");
    scene.host.board.update(|state| state.applied = 1);
    scene.end(id).await;
    assert!(!scene.folder.path().join("foreign").exists());
    assert_eq!(scene.host.board.now().tasks.len(), 1, "it is not told of");
}

#[tokio::test]
async fn what_never_ends_is_asked_to_and_then_made_to() {
    let mut scene = Scene::ready();
    let polite = scene.add(
        scene.script("run", "trap 'echo bye >$DIR/bye; exit 7' TERM; touch $DIR/polite; while :; do sleep 0.05; done"),
    );
    scene.written("polite").await;
    let first = scene.add(scene.interrupt("echo asking"));
    assert_eq!(scene.end(first).await.0, Some(0));
    assert_eq!(scene.end(polite).await.0, Some(7));
    scene.written("bye").await;

    let stubborn = scene.add(scene.script("run", "trap '' TERM; touch $DIR/stubborn; while :; do sleep 0.05; done"));
    let bystander = scene.add(scene.script("other", "sleep 30"));
    scene.written("stubborn").await;
    let second = scene.add(scene.interrupt("true"));
    scene.end(second).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(scene.progress(stubborn), Some(TaskProgress::Running), "it does not listen");
    let third = scene.add(scene.interrupt("sleep 0.3"));
    let (code, message) = scene.end(stubborn).await;
    assert_eq!((code, message.starts_with("was ended by signal 9 (KILL)")), (None, true), "{message}");
    assert_eq!(scene.progress(third), Some(TaskProgress::Running), "at once, not after the script");
    assert_eq!(scene.progress(bystander), Some(TaskProgress::Running), "nobody asked for that");
}

#[tokio::test]
async fn what_it_leaves_running_goes_with_it_and_so_does_what_is_no_longer_wanted() {
    let mut scene = Scene::ready();
    let id = scene.add(scene.script("run", "sleep 60 & echo $! >$DIR/left.new; mv $DIR/left.new $DIR/left"));
    scene.end(id).await;
    let left = scene.written("left").await;
    let gone = || !fs::read_to_string(format!("/proc/{}/cmdline", left.trim())).unwrap_or_default().contains("sleep");
    until(gone, || "its child lives on".to_owned()).await;

    scene.add(scene.script("run", "echo $$ >$DIR/pid.new; mv $DIR/pid.new $DIR/pid; exec sleep 61"));
    let pid = scene.written("pid").await;
    scene.tasks.clear();
    scene.send();
    let gone = || !fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default().contains("sleep");
    until(gone, || "it lives on".to_owned()).await;
}

#[tokio::test]
async fn limits_and_mistakes_are_told() {
    let mut scene = Scene::ready();
    let late = scene.add(TaskSpec { timeout_s: 1, ..scene.script("run", "echo working; sleep 60") });
    let missing = scene.add(scene.spec("run", vec!["/does/not/exist".to_owned()]));
    let path = scene.folder.path().join("plain.sh");
    fs::write(&path, "#!/bin/sh\n").unwrap();
    let plain = scene.add(scene.spec("run", vec![path.display().to_string()]));
    let (code, message) = scene.end(missing).await;
    assert!(code.is_none() && message.contains("/does/not/exist") && message.contains("No such file"), "{message}");
    let (code, message) = scene.end(plain).await;
    assert!(code.is_none() && message.contains("plain.sh") && message.contains("Permission denied"), "{message}");
    let (code, message) = scene.end(late).await;
    assert_eq!((code, message.as_str()), (None, "took longer than 1 s and was ended:\nworking"));
}

#[tokio::test]
async fn a_flood_of_output_is_cut_and_said_to_be() {
    let mut scene = Scene::ready();
    // A burst of 80 MiB passes, see `output::rate`; this is 130 MiB.
    let id = scene.add(scene.script("run", "head -c 136314880 /dev/zero | tr '\\0' x | fold -w 8000; echo; echo over"));
    assert_eq!(scene.end(id).await.0, Some(0));
    let dropped = || scene.log.text().contains("dropped: this program writes faster");
    until(dropped, || "nothing was dropped".to_owned()).await;
}

#[tokio::test]
async fn tasks_end_with_the_instance() {
    let mut scene = Scene::ready();
    scene
        .add(scene.script("run", "trap 'echo bye >$DIR/bye; exit' TERM; touch $DIR/one; while :; do sleep 0.05; done"));
    scene.add(scene.script("other", "trap '' TERM; touch $DIR/two; while :; do sleep 0.05; done"));
    scene.written("one").await;
    scene.written("two").await;
    let start = std::time::Instant::now();
    scene.stop.cancel();
    let Scene { task, folder, .. } = scene;
    task.await.unwrap();
    assert!(folder.path().join("bye").exists());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[tokio::test]
async fn bytes_go_in_and_out_whole() {
    let pieces = vec![Ok(vec![b'a'; 300_000]), Ok(b"\0\xff\n".to_vec()), Ok(vec![b'z'; 200_000])];
    let expected: Vec<u8> = pieces.iter().flat_map(|piece| piece.clone().unwrap()).collect();
    let blobs = Store { input: Mutex::new(pieces), ..Store::default() };
    let output = Arc::clone(&blobs.output);
    let mut scene = Scene::ready_with(blobs);
    let id = scene.add(TaskSpec { input: true, output: true, ..scene.script("copy", "cat; echo words >&2") });
    assert_eq!(scene.end(id).await, (Some(0), "ended with exit code 0".to_owned()));
    assert_eq!(*output.lock().unwrap(), expected);
    until(|| scene.log.text().contains("node|copy|words\n"), || scene.log.text()).await;
    assert!(!scene.log.text().contains("aaa"), "what goes to the director is not in the log");
}

#[tokio::test]
async fn what_is_not_kept_is_a_failure_although_the_script_went_well() {
    let mut scene = Scene::ready_with(Store { refuses: true, ..Store::default() });
    let id = scene.add(TaskSpec { output: true, ..scene.script("dump", "echo data") });
    let (code, message) = scene.end(id).await;
    assert_eq!((code, message.as_str()), (None, "what it wrote was not kept: the disk is nearly full"));
}

#[tokio::test]
async fn an_input_that_breaks_off_does_not_look_like_its_end() {
    let pieces = vec![Ok(b"half".to_vec()), Err("the connection was reset".to_owned())];
    let mut scene = Scene::ready_with(Store { input: Mutex::new(pieces), ..Store::default() });
    let id = scene.add(TaskSpec { input: true, ..scene.script("load", "cat >/dev/null; touch $DIR/believed") });
    let (code, message) = scene.end(id).await;
    assert_eq!((code, message.as_str()), (None, "its input broke off: the connection was reset"));
    assert!(!scene.folder.path().join("believed").exists());
}

#[tokio::test]
async fn a_script_that_fails_may_leave_its_input_unread() {
    let pieces = vec![Ok(vec![0; 1_000_000]), Ok(vec![0; 1_000_000])];
    let mut scene = Scene::ready_with(Store { input: Mutex::new(pieces), ..Store::default() });
    let id = scene.add(TaskSpec { input: true, ..scene.script("load", "echo no >&2; exit 4") });
    assert_eq!(scene.end(id).await, (Some(4), "ended with exit code 4:\nno".to_owned()));
}
