//! The real agent against a director that the test controls.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]
#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod support;

use aerie_agent_protocol::{
    CodePlan, CodeVersionSpec, HookSpec, RequestLog, RoleUsage, StreamNames, TaggedLine, TaskProgress, TaskSpec,
    TimeUnit, ToAgent,
};
use aerie_domain::{ActionRunId, CodeVersionId, InstanceId};
use rustix::process::Signal;
use sha2::{Digest, Sha256};
use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::Command,
    time::{Duration, Instant},
};
use support::{Scene, agent::Agent, director::Director, file, noted, process, server, sh};

#[tokio::test]
async fn a_configuration_is_applied_and_reported() {
    let scene = Scene::start().await;
    let mut config = scene.config(1, vec![server("one")]);
    config.files = vec![file("server.conf", "one")];
    config.init =
        vec![HookSpec { name: "init".into(), role: "web".parse().unwrap(), command: sh("env | sort"), timeout_s: 5 }];
    scene.director.configure(config);
    scene.applied(1).await;
    let report = scene.director.report();
    assert_eq!((report.target_generation, report.problem.as_str()), (1, ""));
    assert!(report.processes[0].healthy && report.processes[0].restarts == 0);
    assert_eq!(scene.read("loaded"), "one");
    let variables = scene.agent.lines("web|init").join("\n");
    let names: Vec<_> = variables.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(names, ["AERIE_INSTANCE", "AERIE_ROLE", "DIR", "HOME", "LANG", "PATH", "PWD"], "nothing is inherited");
}

#[tokio::test]
async fn a_changed_file_is_loaded_by_signal_and_older_generations_are_ignored() {
    let scene = Scene::start().await;
    for (generation, content) in [(1, "one"), (2, "two")] {
        let mut config = scene.config(generation, vec![server(content)]);
        config.files = vec![file("server.conf", content)];
        scene.director.configure(config);
        scene.applied(generation).await;
        assert_eq!(scene.read("loaded"), content, "applied means loaded");
    }
    assert_eq!(scene.read("log"), "start\nreload\n");
    let mut old = scene.config(1, vec![server("one")]);
    old.files = vec![file("server.conf", "one")];
    scene.director.configure(old);
    scene.until(|scene| scene.agent.log().contains("configuration 1 is ignored")).await;
    scene.director.say_once("{\"type\":\"from_the_future\"}");
    scene.until(|scene| scene.agent.log().contains("is not understood")).await;
    assert_eq!(scene.read("loaded"), "two");
    assert_eq!(scene.director.hellos(), 1, "the connection stays");
}

#[tokio::test]
async fn a_failing_check_leaves_the_process_alone() {
    let scene = Scene::start().await;
    let checked = |content: &str| {
        let mut spec = server(content);
        spec.check = sh("grep -q bad $DIR/run/server.conf && { echo syntax error in line 1; exit 1; } || exit 0");
        spec
    };
    for (generation, content) in [(1, "one"), (2, "bad")] {
        let mut config = scene.config(generation, vec![checked(content)]);
        config.files = vec![file("server.conf", content)];
        scene.director.configure(config);
        if generation == 1 {
            scene.applied(1).await;
        }
    }
    scene.until(|scene| scene.director.report().problem.contains("syntax error in line 1")).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let report = scene.director.report();
    assert_eq!((report.applied_generation, report.target_generation), (1, 2));
    assert!(report.processes[0].healthy && report.processes[0].message.contains("syntax error"), "{report:?}");
    assert_eq!(scene.read("log"), "start\n");

    let mut config = scene.config(3, vec![checked("three")]);
    config.files = vec![file("server.conf", "three")];
    scene.director.configure(config);
    scene.applied(3).await;
    assert_eq!(scene.director.report().problem, "");
    assert_eq!(scene.read("log"), "start\nreload\n");
}

#[tokio::test]
async fn a_crash_is_reported_and_followed_by_restarts() {
    let scene = Scene::start().await;
    let script = "test -e $DIR/good && exec sleep 60; echo cannot open database >&2; exit 3";
    scene.director.configure(scene.config(1, vec![process("worker", script)]));
    scene.until(|scene| scene.director.report().processes.first().is_some_and(|process| process.restarts >= 2)).await;
    let report = scene.director.report();
    assert!(!report.processes[0].healthy);
    assert_eq!(report.processes[0].message, "ended with exit code 3:\ncannot open database");
    assert_eq!(report.problem, "worker ended with exit code 3:\ncannot open database");
    fs::write(scene.path("good"), "").unwrap();
    scene.applied(1).await;
    assert!(scene.agent.lines("web|err").contains(&"cannot open database".to_owned()));
}

#[tokio::test]
async fn code_is_fetched_verified_and_never_believed() {
    let scene = Scene::start().await;
    let bytes = {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        // More than one read, and hardly compressible.
        let content: Vec<u8> = (0..300_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, "public/index.php", &*content).unwrap();
        zstd::encode_all(&*tar.into_inner().unwrap(), 3).unwrap()
    };
    let good = hex::encode(Sha256::digest(&bytes));
    let version = CodeVersionSpec { id: CodeVersionId::generate(), digest: good, size_bytes: bytes.len() as u64 };
    let wrong = CodeVersionSpec { id: CodeVersionId::generate(), digest: "ab".repeat(32), ..version.clone() };
    scene.director.archive(&version.digest, bytes.clone());
    scene.director.archive(&wrong.digest, bytes);

    let mut config = scene.config(1, Vec::new());
    config.code = CodePlan { versions: vec![version.clone()], check: sh("ls $0/public"), prepare: None };
    scene.director.configure(config.clone());
    scene.applied(1).await;
    let report = scene.director.report();
    assert_eq!(report.staged, [version.id]);
    assert!(report.checks[0].ok && report.checks[0].output == "index.php", "{report:?}");
    let index = scene.path(&format!("code/{}/public/index.php", version.id));
    assert_eq!(fs::metadata(&index).unwrap().len(), 300_000);

    config.generation = 2;
    config.code.versions.push(wrong.clone());
    scene.director.configure(config.clone());
    scene.until(|scene| scene.director.report().problem.contains("not the version asked for")).await;
    assert!(!scene.path(&format!("code/{}", wrong.id)).exists());

    let unknown = CodeVersionSpec { id: CodeVersionId::generate(), digest: "cd".repeat(32), size_bytes: 1 };
    config.generation = 3;
    config.code.versions = vec![version, unknown];
    scene.director.configure(config);
    scene.until(|scene| scene.director.report().problem.contains("status 404")).await;
    assert!(index.exists(), "what is there stays");
}

#[tokio::test]
async fn everything_goes_on_while_the_director_is_away() {
    let mut scene = Scene::start().await;
    let mut config = scene.config(1, vec![server("one")]);
    config.files = vec![file("server.conf", "one")];
    scene.director.configure(config);
    scene.applied(1).await;
    scene.director.away();
    scene.until(|scene| scene.agent.log().contains("the director cannot be reached")).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = scene.director.reports();
    scene.director.back().await;
    scene.until(|scene| scene.director.hellos() == 2 && scene.director.reports() > before).await;
    assert_eq!(scene.director.last_hello(), Some(1));
    assert_eq!(scene.read("log"), "start\n", "the process noticed nothing");
    let mut config = scene.config(2, vec![server("two")]);
    config.files = vec![file("server.conf", "two")];
    scene.director.configure(config);
    scene.applied(2).await;
}

#[tokio::test]
async fn a_director_that_falls_silent_is_noticed() {
    let scene = Scene::start().await;
    scene.director.configure(scene.config(1, vec![noted("a")]));
    scene.applied(1).await;
    scene.director.fall_silent();
    let begin = Instant::now();
    while scene.director.hellos() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(22), "20 s and a little for a busy machine");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begin.elapsed() > Duration::from_secs(10), "it may be slow without being dead");
    assert!(scene.agent.log().contains("no answer in time"), "{}", scene.agent.log());
}

#[tokio::test]
async fn a_newer_configuration_during_a_check_is_not_lost() {
    let scene = Scene::start().await;
    let mut slow = noted("a");
    scene.director.configure(scene.config(1, vec![slow.clone()]));
    scene.applied(1).await;
    slow.check = sh("sleep 0.5");
    slow.environment.insert("NEW".to_owned(), "1".to_owned());
    scene.director.configure(scene.config(2, vec![slow.clone()]));
    tokio::time::sleep(Duration::from_millis(200)).await;
    scene.director.configure(scene.config(3, vec![slow]));
    scene.applied(3).await;
}

#[tokio::test]
async fn term_stops_everything_quickly_in_reverse_order() {
    let mut scene = Scene::start().await;
    scene.director.configure(scene.config(1, vec![noted("a"), noted("b")]));
    scene.applied(1).await;
    scene.agent.signal(Signal::TERM);
    let (status, took) = scene.agent.ended().await;
    assert!(status.code() == Some(143) && took < Duration::from_secs(4), "{status} after {took:?}");
    assert_eq!(scene.read("log"), "b\na\n");
    assert!(scene.agent.log().ends_with("agent|info|everything is stopped\n"), "{}", scene.agent.log());
}

#[tokio::test]
async fn term_works_without_ever_having_met_the_director() {
    let mut scene = Scene::start_apart().await;
    scene.director.away();
    scene.until(|scene| scene.agent.log().contains("is up")).await;
    scene.agent.signal(Signal::TERM);
    let (status, took) = scene.agent.ended().await;
    assert!(status.code() == Some(143) && took < Duration::from_secs(3), "{status} after {took:?}");
}

#[tokio::test]
async fn a_silent_director_is_left_for_another_one() {
    let scene = Scene::start().await;
    let other = scene.director.another().await;
    let ports = vec![scene.director.address().port(), other.address().port()];
    scene.director.say(&ToAgent::Directors { ports });
    scene.director.configure(scene.config(1, vec![noted("a")]));
    scene.applied(1).await;
    let silent = Instant::now();
    scene.director.fall_silent();
    scene.until(|_| other.hellos() > 0).await;
    assert_eq!(other.last_hello(), Some(1), "it goes on where it was");
    let took = silent.elapsed();
    assert!(took < Duration::from_secs(12), "well before a lease is over, which is 15 s: {took:?}");
    other.configure(scene.config(2, vec![noted("a")]));
    scene.until(|_| other.report().applied_generation == 2).await;
}

#[tokio::test]
async fn shutdown_and_refusal_end_the_agent() {
    let mut scene = Scene::start().await;
    scene.director.configure(scene.config(1, vec![noted("end")]));
    scene.applied(1).await;
    scene.director.say(&ToAgent::Shutdown);
    let (status, _) = scene.agent.ended().await;
    assert!(status.success());
    assert_eq!(scene.read("log"), "end\n");

    let mut scene = Scene::start().await;
    scene.director.say(&ToAgent::Refused { reason: "it was removed".into() });
    let (status, _) = scene.agent.ended().await;
    assert!(status.success());
    assert!(scene.agent.log().contains("agent|error|the director refuses this instance: it was removed"));
}

#[tokio::test]
async fn lines_are_tagged_and_none_is_lost() {
    let scene = Scene::start().await;
    let script = "i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done; printf 'a\\377b\\r\\n' >&2; \
                  head -c 20000 /dev/zero | tr '\\0' x; echo; echo done; exec sleep 60";
    let mut spec = process("chatty", script);
    spec.streams.out = "access".into();
    scene.director.configure(scene.config(1, vec![spec]));
    scene.until(|scene| scene.agent.lines("web|access").last().is_some_and(|line| line == "done")).await;
    let lines = scene.agent.lines("web|access");
    let numbers: Vec<_> = lines.iter().filter_map(|line| line.parse::<u32>().ok()).collect();
    assert_eq!(numbers, (0..5000).collect::<Vec<_>>());
    let long: Vec<_> = lines.iter().filter(|line| line.starts_with('x')).collect();
    assert_eq!(long.iter().map(|line| line.len()).sum::<usize>(), 20_000);
    assert!(long.iter().all(|line| line.len() <= TaggedLine::MAX_TEXT_BYTES));
    assert_eq!(scene.agent.lines("web|err"), ["a\u{fffd}b"]);
}

#[tokio::test]
async fn programs_of_the_same_user_cannot_read_the_agents_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("agent");
    fs::copy(env!("CARGO_BIN_EXE_aerie-agent"), &program).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    if rustix::process::getuid().is_root() {
        // To root's processes root's are no secret anyway.
        command.uid(65_534).gid(65_534);
    }
    let director = Director::start().await;
    let instance = InstanceId::generate();
    let agent = Agent::run(command, director.address(), instance, &director.identity(instance), folder.path());
    for _ in 0..2000 {
        if director.hellos() > 0 {
            let owner = |file: &str| fs::metadata(format!("/proc/{}/{file}", agent.id())).unwrap().uid();
            assert_eq!((owner("environ"), owner("mem")), (0, 0), "only root's");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the agent did not come up; log:\n{}", agent.log());
}

#[tokio::test]
async fn orphans_are_collected() {
    let scene = Scene::start().await;
    let script = "for i in 1 2 3 4 5; do (sh -c 'echo $$ >>$DIR/orphans; sleep 0.2' &); done; exec sleep 60";
    scene.director.configure(scene.config(1, vec![process("parent", script)]));
    scene.until(|scene| scene.read("orphans").lines().count() == 5).await;
    let orphans = scene.read("orphans");
    let gone = |pid: &str| !fs::exists(format!("/proc/{pid}")).unwrap();
    // Not even as zombies; they would be there as long as the agent, their new parent, lives.
    scene.until(|_| orphans.lines().all(gone)).await;
    assert!(scene.director.report().processes[0].healthy);
    assert!(fs::exists(format!("/proc/{}", scene.agent.id())).unwrap());
}

#[tokio::test]
async fn usage_comes_by_itself_where_there_is_a_cgroup() {
    let scene = Scene::start().await;
    let v1 = fs::exists("/sys/fs/cgroup/memory/memory.usage_in_bytes").unwrap();
    let v2 = fs::exists("/sys/fs/cgroup/memory.current").unwrap();
    if v1 || v2 {
        scene.until(|scene| !scene.director.usages().is_empty()).await;
        let usage = scene.director.usages().remove(0);
        assert!(usage.memory_bytes > 0 && (1500..5000).contains(&usage.period_ms), "{usage:?}");
        assert_eq!(usage.network, None, "reached by the loopback: the counters would be the machine's");
    } else {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(scene.director.usages(), []);
    }
}

#[tokio::test]
async fn requests_are_counted_from_the_log_that_the_kind_declares() {
    let scene = Scene::start().await;
    let script = "for n in 1 2 3 4 5 6 7 8 9; do echo \"10.0.0.1 x 200 ${n}0 ms\"; done; \
                  echo '10.0.0.1 x 404 1 ms'; echo '10.0.0.1 x 503 1000 ms'; echo notice; exec sleep 60";
    let mut spec = process("web", script);
    spec.streams = StreamNames { out: "access".into(), err: "error".into() };
    spec.metrics.requests =
        Some(RequestLog { stream: "access".into(), status: -3, time: -2, unit: TimeUnit::Milliseconds });
    scene.director.configure(scene.config(1, vec![spec]));
    scene.applied(1).await;
    let counted = |scene: &Scene| {
        let usages = scene.director.usages();
        let roles: Vec<RoleUsage> = usages.into_iter().flat_map(|usage| usage.roles).collect();
        roles.into_iter().find(|role| role.requests > 0)
    };
    scene.until(|scene| counted(scene).is_some()).await;
    let role = counted(&scene).unwrap();
    assert_eq!((role.role.as_str(), role.requests, role.client_errors, role.errors), ("web", 11, 1, 1));
    let median = role.times.percentile_ms(0.5).unwrap();
    assert!((45.0..56.0).contains(&median), "{median}");
}

#[tokio::test]
async fn a_task_runs_once_over_lost_connections_and_configurations_that_are_sent_again() {
    let mut scene = Scene::start().await;
    let mut config = scene.config(1, vec![noted("server")]);
    scene.director.configure(config.clone());
    scene.applied(1).await;
    let life = scene.director.report().life.unwrap();
    let id = ActionRunId::generate();
    config.tasks = vec![TaskSpec {
        id,
        life,
        name: "run".parse().unwrap(),
        role: "web".parse().unwrap(),
        command: sh(
            "echo \"$ACTION_PARAMETERS\" >>$DIR/runs; until test -e $DIR/go; do sleep 0.05; done; echo over; exit 4",
        ),
        environment: [("ACTION_PARAMETERS".to_owned(), "a b".to_owned())].into(),
        timeout_s: 0,
        stops: Vec::new(),
        stop_timeout_s: 5,
        input: false,
        output: false,
    }];
    config.generation = 2;
    scene.director.configure(config.clone());
    scene.applied(2).await;
    let progress = |scene: &Scene| {
        let tasks = scene.director.report().tasks;
        tasks.into_iter().find(|task| task.id == id).map(|task| task.progress)
    };
    scene.until(|scene| progress(scene) == Some(TaskProgress::Running)).await;
    scene.until(|scene| scene.read("runs") == "a b\n").await;

    // The director is away while the task ends, comes back and sends the same again, then another configuration.
    scene.director.away();
    fs::write(scene.path("go"), "").unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    scene.director.back().await;
    scene.until(|scene| scene.director.hellos() >= 2).await;
    scene.until(|scene| matches!(progress(scene), Some(TaskProgress::Ended { code: Some(4), .. }))).await;
    config.generation = 3;
    scene.director.configure(config.clone());
    scene.applied(3).await;
    assert_eq!(scene.read("runs"), "a b\n", "once");
    assert!(scene.agent.lines("web|run").contains(&"over".to_owned()));
    assert!(
        matches!(progress(&scene), Some(TaskProgress::Ended { .. })),
        "it is told until the director takes it away"
    );
    config.generation = 4;
    config.tasks.clear();
    scene.director.configure(config);
    scene.until(|scene| scene.director.report().tasks.is_empty()).await;
}

#[tokio::test]
async fn code_is_prepared_once_before_it_counts_as_staged() {
    let scene = Scene::start().await;
    let bytes = {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(2);
        tar.append_data(&mut header, "a.txt", &b"a\n"[..]).unwrap();
        zstd::encode_all(&*tar.into_inner().unwrap(), 3).unwrap()
    };
    let digest = hex::encode(Sha256::digest(&bytes));
    let version = CodeVersionSpec { id: CodeVersionId::generate(), digest, size_bytes: bytes.len() as u64 };
    scene.director.archive(&version.digest, bytes);
    let mut config = scene.config(1, vec![noted("server")]);
    let script = "echo preparing >>$DIR/log; cat $DIR/run/list; test -e $DIR/ready && cp $0/a.txt $0/b.txt";
    let prepare = HookSpec { name: "init".into(), role: "web".parse().unwrap(), command: sh(script), timeout_s: 5 };
    config.files = vec![file("list", "who is there\n")];
    config.code = CodePlan { versions: vec![version.clone()], prepare: Some(prepare), check: Vec::new() };
    scene.director.configure(config.clone());
    scene.until(|scene| scene.director.report().problem.contains("the script init of this version")).await;
    let report = scene.director.report();
    assert!(report.staged.is_empty() && report.problem.contains("who is there"), "{report:?}");
    fs::write(scene.path("ready"), "").unwrap();
    scene.applied(1).await;
    assert_eq!(scene.director.report().staged, [version.id]);
    assert!(scene.path(&format!("code/{}/b.txt", version.id)).exists(), "it may change the folder");
    assert!(scene.agent.lines("web|init").contains(&"who is there".to_owned()));
    let times = scene.read("log").matches("preparing").count();
    config.generation = 2;
    scene.director.configure(config);
    scene.applied(2).await;
    assert_eq!(scene.read("log").matches("preparing").count(), times, "not again");
}
