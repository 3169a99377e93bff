//! What only a real engine can show.

use crate::{
    cases::{at, file, named_volume},
    fixture::{kind_of, silent},
    real::{base_image, with_real, write_kind},
};
use aerie_cloud::{
    Cloud, CloudErrorKind, ContainerSpec, ImageSpec, LogsFrom, Mount, NetworkMode, Progress, Scope, VolumeOwner,
    VolumeSpec,
    docker::{DockerCloud, DockerSettings},
};
use aerie_domain::VolumeId;
use bollard::models::RestartPolicyNameEnum;
use futures_util::{StreamExt, TryStreamExt};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The first line of a container's output that says so much.
pub async fn line_with(cloud: &dyn Cloud, name: &str, part: &str) -> String {
    let mut lines = cloud.logs(name, LogsFrom { follow: true, ..LogsFrom::default() });
    let found = async {
        while let Some(line) = lines.next().await {
            let text = line.unwrap().text;
            if text.contains(part) {
                return text;
            }
        }
        panic!("the output of {name} ended without {part:?}");
    };
    tokio::time::timeout(Duration::from_secs(15), found).await.unwrap_or_else(|_| panic!("no {part:?} from {name}"))
}

#[tokio::test]
async fn containers_are_hardened() {
    with_real(async |real, f| {
        let network = f.network_spec("net");
        f.cloud.ensure_network(&network).await.unwrap();
        let spec = ContainerSpec {
            network: NetworkMode::Private { network: network.name, aliases: vec![] },
            cpu_millis: 250,
            ..f.behaving("hard", "probe")
        };
        f.cloud.ensure_container(&spec).await.unwrap();
        let found = real.inspect(&spec.name).await;
        assert_eq!(found.config.unwrap().user.as_deref(), Some("1000:1000"));
        let host = found.host_config.unwrap();
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(host.cap_add.unwrap_or_default(), Vec::<String>::new());
        assert!(host.security_opt.unwrap().iter().any(|option| option.starts_with("no-new-privileges")));
        assert_eq!((host.readonly_rootfs, host.privileged), (Some(true), Some(false)));
        assert_eq!(host.binds.unwrap_or_default(), Vec::<String>::new());
        assert!(host.mounts.unwrap_or_default().is_empty() && host.devices.unwrap_or_default().is_empty());
        assert_eq!((host.memory, host.memory_swap), (Some(48 << 20), Some(48 << 20)));
        assert_eq!((host.cpu_quota, host.cpu_period, host.pids_limit), (Some(25_000), Some(100_000), Some(32)));
        assert_eq!(host.restart_policy.unwrap().name, Some(RestartPolicyNameEnum::ON_FAILURE));
        assert_eq!(host.ipc_mode.as_deref(), Some("private"));
        assert_eq!(host.pid_mode.as_deref(), Some(""));
        assert!(host.oom_score_adj.unwrap() > 0);
        assert!(host.tmpfs.unwrap()["/tmp"].contains("noexec,nosuid,nodev"));
        let log = host.log_config.unwrap();
        assert_eq!(log.typ.as_deref(), Some("json-file"));
        assert_eq!(log.config.unwrap()["max-file"], "2");

        line_with(&*f.cloud, &spec.name, "tmp is writable").await;
        let lines: Vec<_> = f.cloud.logs(&spec.name, LogsFrom::default()).try_collect().await.unwrap();
        let has = |text: &str| lines.iter().any(|line| line.text.split_whitespace().eq(text.split_whitespace()));
        assert!(has("CapBnd: 0000000000000000") && has("CapEff: 0000000000000000"), "{lines:?}");
        assert!(has("NoNewPrivs: 1") && has("Seccomp: 2") && has("Uid: 1000 1000 1000 1000"), "{lines:?}");
        assert!(!has("root is writable"), "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn a_size_larger_than_the_machine_still_starts() {
    with_real(async |_, f| {
        let spec = ContainerSpec { cpu_millis: 512_000, ..f.idle("large") };
        f.cloud.ensure_container(&spec).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_engine_itself_starts_what_crashed() {
    with_real(async |real, f| {
        let spec = f.behaving("crashing", "exit:7");
        f.cloud.ensure_container(&spec).await.unwrap();
        let start = Instant::now();
        while real.inspect(&spec.name).await.restart_count < Some(2) {
            assert!(start.elapsed() < Duration::from_secs(15), "it is not started again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn data_on_volumes_outlives_containers() {
    with_real(async |_, f| {
        let volume = format!("{}-data", f.run);
        let mount = Mount::own(&volume, "/data");
        let spec = ContainerSpec { volumes: vec![mount], ..f.behaving("counter", "count") };
        // Also when nobody made the volume before: it is ours all the same.
        f.cloud.ensure_container(&spec).await.unwrap();
        assert_eq!(line_with(&*f.cloud, &spec.name, "count").await, "count 1");
        f.cloud.remove_container(&spec.name, Duration::ZERO).await.unwrap();
        f.cloud.ensure_volume(&VolumeSpec::on_host(volume, VolumeOwner::Service(spec.service))).await.unwrap();
        f.cloud.ensure_container(&spec).await.unwrap();
        assert_eq!(line_with(&*f.cloud, &spec.name, "count").await, "count 2");
    })
    .await;
}

/// A named volume belongs to user 1000 wherever it appears, and a copy of it has the same on it.
#[tokio::test]
async fn what_is_on_a_named_volume_can_be_written_copied_and_measured() {
    with_real(async |_, f| {
        let named = |name: &str| {
            let id = VolumeId::generate();
            (id, VolumeSpec::on_host(format!("{}-volume-{name}", f.run), VolumeOwner::Volume(id)))
        };
        let ((id, volume), (copy_id, copy)) = (named("a"), named("b"));
        f.cloud.ensure_volume(&volume).await.unwrap();
        assert_eq!(f.cloud.volume_bytes(&volume).await.unwrap(), 4096, "an empty folder");
        let mount = Mount { named: Some(id), ..Mount::own(&volume.name, "/data") };
        let spec = ContainerSpec { volumes: vec![mount], ..f.behaving("counter", "count") };
        f.cloud.ensure_container(&spec).await.unwrap();
        assert_eq!(line_with(&*f.cloud, &spec.name, "count").await, "count 1");
        f.cloud.copy_volume(&volume, &copy).await.unwrap();
        assert!(f.cloud.volume_bytes(&copy).await.unwrap() > 4096);
        f.cloud.remove_container(&spec.name, Duration::ZERO).await.unwrap();
        let mount = Mount { named: Some(copy_id), ..Mount::own(&copy.name, "/data") };
        let spec = ContainerSpec { volumes: vec![mount], ..f.behaving("counter-2", "count") };
        f.cloud.ensure_container(&spec).await.unwrap();
        assert_eq!(line_with(&*f.cloud, &spec.name, "count").await, "count 2");
    })
    .await;
}

/// Whoever works with the files of a volume on behalf of people must not be led elsewhere by what a tenant has put there.
#[tokio::test]
async fn links_on_a_volume_lead_nowhere_and_pipes_hold_nobody() {
    with_real(async |_, f| {
        let volume = named_volume(&f);
        f.cloud.ensure_volume(&volume).await.unwrap();
        let VolumeOwner::Volume(id) = volume.owner else { unreachable!("it is one of people") };
        let mount = Mount { named: Some(id), ..Mount::own(&volume.name, "/data") };
        let spec = ContainerSpec { volumes: vec![mount], ..f.behaving("linker", "links") };
        f.cloud.ensure_container(&spec).await.unwrap();
        line_with(&*f.cloud, &spec.name, "made").await;
        for path in ["file", "folder/passwd", "up/etc/passwd"] {
            let error = f.cloud.volume_read(&volume, &at(path)).await.map(drop).unwrap_err();
            assert_eq!(error.kind, CloudErrorKind::NotFound, "{path}: {error}");
        }
        for path in ["folder", "up", "folder/ssl"] {
            let error = f.cloud.volume_folder(&volume, &at(path)).await.unwrap_err();
            assert_eq!(error.kind, CloudErrorKind::NotFound, "{path}: {error}");
        }
        f.cloud.volume_read(&volume, &at("pipe")).await.map(drop).expect_err("it has no end");
        for path in ["folder/new", "up/data/new", "up/tmp/a/new"] {
            f.cloud.volume_write(&volume, &at(path), file(b"x")).await.expect_err(path);
            f.cloud.volume_delete(&volume, &at(path)).await.expect_err(path);
        }
        // the link itself can be replaced and removed
        f.cloud.volume_write(&volume, &at("file"), file(b"mine")).await.unwrap();
        for path in ["file", "folder", "up", "pipe"] {
            f.cloud.volume_delete(&volume, &at(path)).await.unwrap();
        }
        assert_eq!(f.cloud.volume_folder(&volume, &at("")).await.unwrap().entries, []);
    })
    .await;
}

/// People close pages at any moment: no container may stay because of that.
#[tokio::test]
async fn whoever_stops_waiting_for_files_leaves_nothing() {
    with_real(async |_, f| {
        let volume = named_volume(&f);
        f.cloud.ensure_volume(&volume).await.unwrap();
        for millis in [1, 20, 50, 100, 200, 400] {
            let listing = async { f.cloud.volume_folder(&volume, &at("")).await };
            drop(tokio::time::timeout(Duration::from_millis(millis), listing).await);
        }
        let start = Instant::now();
        while !f.cloud.inventory(&Scope::Installation).await.unwrap().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", f.cloud.inventory(&Scope::Installation).await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        f.cloud.remove_volume(&volume.name).await.expect("nothing holds it");
    })
    .await;
}

#[tokio::test]
async fn containers_find_each_other_by_alias() {
    with_real(async |_, f| {
        let network = f.network_spec("net");
        f.cloud.ensure_network(&network).await.unwrap();
        let on = |spec: ContainerSpec, alias: &str| {
            let network = NetworkMode::Private { network: network.name.clone(), aliases: vec![alias.to_owned()] };
            ContainerSpec { network, ..spec }
        };
        let target = on(f.idle("target"), "php.blog");
        let address = f.cloud.ensure_container(&target).await.unwrap().address.unwrap().to_string();
        let seeker = on(f.behaving("seeker", "find:php.blog"), "seeker");
        f.cloud.ensure_container(&seeker).await.unwrap();
        let line = line_with(&*f.cloud, &seeker.name, "php.blog").await;
        assert!(line.starts_with(&address), "{line} should begin with {address}");
    })
    .await;
}

#[tokio::test]
async fn a_build_is_shared_and_tells_its_steps() {
    with_real(async |_, f| {
        let image = f.image_spec("feed");
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = Arc::clone(&heard);
        let progress: Progress = Arc::new(move |line| listener.lock().unwrap().push(line));
        let calls = (0..5).map(|_| f.cloud.ensure_image(&image, Arc::clone(&progress)));
        let names = futures_util::future::try_join_all(calls).await.unwrap();
        assert!(names.iter().all(|name| *name == names[0]));
        let first = format!("{}: step 1 of 3: FROM {}", f.run, base_image());
        let count = heard.lock().unwrap().iter().filter(|line| **line == first).count();
        assert_eq!(count, 5, "one build, heard by all five: {heard:?}");
    })
    .await;
}

#[tokio::test]
async fn a_failed_build_shows_its_last_lines_and_is_tried_again() {
    with_real(async |real, f| {
        let folder = real.folder.path().join("broken");
        write_kind(&folder, "FROM aerie/base\nRUN echo something is wrong here; exit 3\n");
        let image = ImageSpec { folder: folder.clone(), ..f.image_spec("dead") };
        let error = f.cloud.ensure_image(&image, silent()).await.unwrap_err();
        assert!(error.message.contains("something is wrong here"), "{error}");
        assert!(error.message.contains("returned a non-zero code: 3"), "{error}");
        write_kind(&folder, "FROM aerie/base\n");
        f.cloud.ensure_image(&image, silent()).await.expect("a failure is not remembered");
    })
    .await;
}

#[tokio::test]
async fn a_missing_base_image_says_what_to_do() {
    with_real(async |real, f| {
        let mut settings = DockerSettings::new(&real.installation, real.folder.path().join("agent"));
        settings.base_image = "aerie/no-such-base:1".into();
        let cloud = DockerCloud::new(settings);
        let error = cloud.ensure_image(&f.image_spec("beef"), silent()).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::NotFound);
        assert!(error.message.contains("aerie/no-such-base:1") && error.message.contains("make up"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn an_absent_engine_is_unreachable_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = DockerSettings::new("x", folder.path().join("agent"));
    settings.socket = folder.path().join("no.sock");
    let cloud = DockerCloud::new(settings);
    assert_eq!(kind_of(cloud.check().await), CloudErrorKind::Unreachable);
    assert_eq!(kind_of(cloud.events().next().await.unwrap()), CloudErrorKind::Unreachable);
    assert_eq!(kind_of(cloud.remove_container("x", Duration::ZERO).await), CloudErrorKind::Unreachable);
}

#[tokio::test]
async fn term_is_heard_before_the_grace_time_is_over() {
    with_real(async |_, f| {
        let spec = f.idle("a");
        f.cloud.ensure_container(&spec).await.unwrap();
        let start = Instant::now();
        f.cloud.remove_container(&spec.name, Duration::from_secs(20)).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    })
    .await;
}
