//! The cases of the contract, each a story of its own.

use crate::fixture::{Fixture, kind_of, silent};
use aerie_cloud::{
    CloudErrorKind, CloudLogLine, ContainerSpec, ContainerStatus, LogsFrom, Mount, NetworkMode, NetworkSpec, Scope,
    VolumeFile, VolumeOwner, VolumeSpec,
};
use aerie_domain::{InstanceId, ServiceId, VolumeId, VolumePath, views::VolumeEntryKind};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{io, time::Duration};
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(15);

fn attached(spec: ContainerSpec, network: &NetworkSpec) -> ContainerSpec {
    let network = NetworkMode::Private { network: network.name.clone(), aliases: vec!["php.blog".to_owned()] };
    ContainerSpec { network, ..spec }
}

pub async fn networks_are_made_once_and_removed(f: Fixture) {
    let network = f.network_spec("net");
    f.cloud.ensure_network(&network).await.unwrap();
    f.cloud.ensure_network(&network).await.unwrap();
    let listed = f.cloud.networks().await.unwrap();
    assert_eq!(listed.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), [network.name.as_str()]);
    assert!(listed[0].created_at.is_some());
    f.cloud.remove_network(&network.name).await.unwrap();
    f.cloud.remove_network(&network.name).await.unwrap();
    assert_eq!(f.cloud.networks().await.unwrap(), []);
    f.cloud.ensure_network(&network).await.expect("the subnet is free again");
}

pub async fn networks_conflict_clearly(f: Fixture) {
    let network = f.network_spec("net");
    let (one, other) = tokio::join!(f.cloud.ensure_network(&network), f.cloud.ensure_network(&network));
    one.and(other).expect("two at once are as good as one");
    assert_eq!(f.cloud.networks().await.unwrap().len(), 1);
    let moved = NetworkSpec { name: network.name.clone(), ..f.network_spec("other") };
    assert_eq!(kind_of(f.cloud.ensure_network(&moved).await), CloudErrorKind::Conflict);
    let overlapping = NetworkSpec { name: f.network_spec("overlapping").name, ..network.clone() };
    let error = f.cloud.ensure_network(&overlapping).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Conflict);
    assert!(error.message.contains(&network.subnet) && error.message.contains("overlaps"), "{error}");
}

pub async fn a_network_in_use_stays(f: Fixture) {
    let network = f.network_spec("net");
    f.cloud.ensure_network(&network).await.unwrap();
    let spec = attached(f.idle("a"), &network);
    let observed = f.cloud.ensure_container(&spec).await.unwrap();
    let address = observed.address.expect("an address on the private network").to_string();
    let prefix = network.subnet.trim_end_matches("0/24");
    assert!(address.starts_with(prefix) && observed.address != Some(network.gateway), "{address}");
    assert_eq!(f.find(&spec.name).await, Some(observed), "the inventory says the same");
    assert_eq!(kind_of(f.cloud.remove_network(&network.name).await), CloudErrorKind::Conflict);
    f.cloud.remove_container(&spec.name, Duration::ZERO).await.unwrap();
    f.cloud.remove_network(&network.name).await.unwrap();
}

pub async fn volumes_are_made_once_and_removed(f: Fixture) {
    let service = ServiceId::generate();
    let volume = VolumeSpec::on_host(format!("{}-data", f.run), VolumeOwner::Service(service));
    f.cloud.ensure_volume(&volume).await.unwrap();
    f.cloud.ensure_volume(&volume).await.unwrap();
    let listed = f.cloud.volumes().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].name, listed[0].owner), (&volume.name, volume.owner));
    let stolen = VolumeSpec { owner: VolumeOwner::Service(ServiceId::generate()), ..volume.clone() };
    assert_eq!(kind_of(f.cloud.ensure_volume(&stolen).await), CloudErrorKind::Conflict);

    let mount = Mount::own(&volume.name, "/data");
    let user = ContainerSpec { volumes: vec![mount], service, ..f.idle("user") };
    f.cloud.ensure_container(&user).await.unwrap();
    assert_eq!(kind_of(f.cloud.remove_volume(&volume.name).await), CloudErrorKind::Conflict);
    f.cloud.remove_container(&user.name, Duration::ZERO).await.unwrap();
    assert_eq!(f.cloud.volumes().await.unwrap(), listed, "the volume outlives its container");
    f.cloud.remove_volume(&volume.name).await.unwrap();
    f.cloud.remove_volume(&volume.name).await.unwrap();
    assert_eq!(f.cloud.volumes().await.unwrap(), []);
}

pub async fn named_volumes_belong_to_nobody_and_can_be_copied(f: Fixture) {
    let named = |name: &str| {
        let id = VolumeId::generate();
        (id, VolumeSpec::on_host(format!("{}-volume-{name}", f.run), VolumeOwner::Volume(id)))
    };
    let ((id, volume), (_, copy)) = (named("a"), named("b"));
    f.cloud.ensure_volume(&volume).await.unwrap();
    f.cloud.ensure_volume(&volume).await.unwrap();
    let (_, stolen) = named("a");
    assert_eq!(kind_of(f.cloud.ensure_volume(&stolen).await), CloudErrorKind::Conflict);
    // services of all kinds may have it at the same time
    let mount = Mount { named: Some(id), ..Mount::own(&volume.name, "/data/files") };
    let reader = Mount { read_only: true, ..mount.clone() };
    let writer = ContainerSpec { volumes: vec![mount], ..f.idle("writer") };
    let reader = ContainerSpec { volumes: vec![reader], ..f.idle("reader") };
    for spec in [&writer, &reader] {
        f.cloud.ensure_container(spec).await.unwrap();
    }
    assert_eq!(kind_of(f.cloud.remove_volume(&volume.name).await), CloudErrorKind::Conflict);
    f.cloud.copy_volume(&volume, &copy).await.unwrap();
    f.cloud.copy_volume(&volume, &copy).await.unwrap();
    assert!(f.cloud.volume_bytes(&copy).await.unwrap() < 1 << 20);
    for spec in [&writer, &reader] {
        f.cloud.remove_container(&spec.name, Duration::ZERO).await.unwrap();
    }
    let owners: Vec<_> = f.cloud.volumes().await.unwrap().into_iter().map(|volume| volume.owner).collect();
    assert_eq!(owners, [volume.owner, copy.owner]);
    for name in [&volume.name, &copy.name] {
        f.cloud.remove_volume(name).await.unwrap();
    }
    assert_eq!(f.cloud.volumes().await.unwrap(), []);
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), [], "no helper is left");
}

pub fn named_volume(f: &Fixture) -> VolumeSpec {
    let id = VolumeId::generate();
    VolumeSpec::on_host(format!("{}-volume-{}", f.run, id.0.simple()), VolumeOwner::Volume(id))
}

pub fn at(path: &str) -> VolumePath {
    path.parse().unwrap()
}

/// A file in pieces of at most 64 KiB.
pub fn file(content: &[u8]) -> VolumeFile {
    let pieces: Vec<_> = content.chunks(1 << 16).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    VolumeFile { bytes: content.len() as u64, content: stream::iter(pieces).boxed() }
}

async fn names(f: &Fixture, volume: &VolumeSpec, path: &str) -> Vec<(VolumeEntryKind, String, u64)> {
    let listed = f.cloud.volume_folder(volume, &at(path)).await.unwrap();
    assert!(!listed.truncated && listed.path == at(path));
    listed.entries.into_iter().map(|entry| (entry.kind, entry.name, entry.size_bytes)).collect()
}

async fn content(f: &Fixture, volume: &VolumeSpec, path: &str) -> Vec<u8> {
    let file = f.cloud.volume_read(volume, &at(path)).await.unwrap();
    let content: Vec<Bytes> = file.content.try_collect().await.unwrap();
    assert_eq!(file.bytes, content.iter().map(|piece| piece.len() as u64).sum::<u64>());
    content.concat()
}

pub async fn files_of_volumes_are_listed_read_written_and_removed(f: Fixture) {
    let volume = named_volume(&f);
    assert_eq!(names(&f, &volume, "").await, [], "one that nobody had yet is empty");
    let binary: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    f.cloud.volume_write(&volume, &at("a b/c'd$(e)/-f.bin"), file(&binary)).await.unwrap();
    f.cloud.volume_write(&volume, &at("empty"), file(b"")).await.unwrap();
    f.cloud.volume_write(&volume, &at("note.txt"), file(b"one")).await.unwrap();
    f.cloud.volume_write(&volume, &at("note.txt"), file(b"second")).await.expect("it is replaced");
    let (folder, plain) = (VolumeEntryKind::Folder, VolumeEntryKind::File);
    let listed = names(&f, &volume, "").await;
    let wanted = [(folder, "a b", 0), (plain, "empty", 0), (plain, "note.txt", 6)];
    assert_eq!(listed, wanted.map(|(kind, name, bytes)| (kind, name.to_owned(), bytes)));
    assert_eq!(names(&f, &volume, "a b/c'd$(e)").await, [(plain, "-f.bin".to_owned(), 3_000_000)]);
    assert_eq!(content(&f, &volume, "note.txt").await, b"second");
    assert_eq!(content(&f, &volume, "empty").await, b"");
    assert!(content(&f, &volume, "a b/c'd$(e)/-f.bin").await == binary);

    let read = async |path: &str| kind_of(f.cloud.volume_read(&volume, &at(path)).await.map(drop));
    let list = async |path: &str| kind_of(f.cloud.volume_folder(&volume, &at(path)).await.map(drop));
    let write = async |path: &str| kind_of(f.cloud.volume_write(&volume, &at(path), file(b"x")).await);
    let delete = async |path: &str| kind_of(f.cloud.volume_delete(&volume, &at(path)).await);
    assert_eq!((read("nothing").await, list("nothing").await), (CloudErrorKind::NotFound, CloudErrorKind::NotFound));
    assert_eq!((read("a b").await, list("empty").await), (CloudErrorKind::Conflict, CloudErrorKind::Conflict));
    assert_eq!((write("a b").await, write("empty/x").await), (CloudErrorKind::Conflict, CloudErrorKind::Conflict));
    assert_eq!((delete("").await, delete("nothing").await), (CloudErrorKind::Conflict, CloudErrorKind::NotFound));
    for path in ["a b", "empty", "note.txt"] {
        f.cloud.volume_delete(&volume, &at(path)).await.unwrap();
    }
    assert_eq!(names(&f, &volume, "").await, []);
    f.cloud.remove_volume(&volume.name).await.expect("nothing holds it");
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), [], "no helper is left");
}

pub async fn half_a_file_is_no_file(f: Fixture) {
    let volume = named_volume(&f);
    f.cloud.volume_write(&volume, &at("kept"), file(b"whole")).await.unwrap();
    let broken = || {
        let pieces = [Ok(Bytes::from_static(b"ha")), Err(io::ErrorKind::ConnectionReset.into())];
        VolumeFile { bytes: 10, content: stream::iter(pieces).boxed() }
    };
    for path in ["kept", "new"] {
        assert_eq!(kind_of(f.cloud.volume_write(&volume, &at(path), broken()).await), CloudErrorKind::Transient);
    }
    assert_eq!(content(&f, &volume, "kept").await, b"whole");
    assert_eq!(names(&f, &volume, "").await, [(VolumeEntryKind::File, "kept".to_owned(), 5)], "nothing else is left");
}

pub async fn a_container_is_made_once(f: Fixture) {
    f.cloud.check().await.unwrap();
    let spec = f.idle("a");
    let (one, other) = tokio::join!(f.cloud.ensure_container(&spec), f.cloud.ensure_container(&spec));
    let made = one.unwrap();
    assert_eq!(made.name, spec.name);
    assert_eq!((made.instance, made.service), (spec.instance, spec.service));
    assert_eq!((made.status, made.address), (ContainerStatus::Running, None));
    assert_eq!(made.spec_hash, spec.hash());
    assert!(made.created_at.is_some());
    assert_eq!(other.unwrap(), made, "two at once get the same one");
    assert_eq!(f.cloud.ensure_container(&spec).await.unwrap(), made, "it is adopted");
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), [made]);
    f.cloud.remove_container(&spec.name, Duration::from_secs(5)).await.unwrap();
    f.cloud.remove_container(&spec.name, Duration::from_secs(5)).await.unwrap();
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), []);
}

pub async fn what_runs_is_never_replaced_and_what_ended_is_made_anew(f: Fixture) {
    let spec = f.idle("a");
    let before = f.cloud.ensure_container(&spec).await.unwrap();
    let changed = ContainerSpec { memory_mib: spec.memory_mib + 8, ..spec };
    assert_eq!(f.cloud.ensure_container(&changed).await.unwrap(), before, "somebody may be served by it");
    f.hands.kill(&changed.name).await;
    f.wait_for(&changed.name, |status| matches!(status, ContainerStatus::Exited { .. })).await;
    let after = f.cloud.ensure_container(&changed).await.unwrap();
    assert_eq!(after.status, ContainerStatus::Running);
    assert_eq!(after.spec_hash, changed.hash());
    assert_ne!(after.spec_hash, before.spec_hash);
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), [after]);
}

pub async fn an_exited_container_is_replaced(f: Fixture) {
    let spec = f.idle("a");
    f.cloud.ensure_container(&spec).await.unwrap();
    f.hands.kill(&spec.name).await;
    let dead = f.wait_for(&spec.name, |status| matches!(status, ContainerStatus::Exited { .. })).await;
    assert_eq!(dead.status, ContainerStatus::Exited { code: 137, out_of_memory: false });
    let again = f.cloud.ensure_container(&spec).await.unwrap();
    assert_eq!(again.status, ContainerStatus::Running);
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), [again]);
}

pub async fn code_zero_stays_down_and_is_seen(f: Fixture) {
    let spec = f.behaving("done", "exit:0");
    f.cloud.ensure_container(&spec).await.unwrap();
    let ended = ContainerStatus::Exited { code: 0, out_of_memory: false };
    f.wait_for(&spec.name, |status| status == ended).await;
    // Longer than the engine's first restart delays (100, 200, 400 ms).
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(f.find(&spec.name).await.map(|observed| observed.status), Some(ended));
}

pub async fn a_failure_code_is_seen(f: Fixture) {
    let spec = f.behaving("broken", "exit:7");
    f.cloud.ensure_container(&spec).await.unwrap();
    f.wait_for(&spec.name, |status| status == ContainerStatus::Exited { code: 7, out_of_memory: false }).await;
    f.cloud.remove_container(&spec.name, Duration::from_secs(5)).await.unwrap();
    assert_eq!(f.find(&spec.name).await, None, "also while the engine would restart it");
}

pub async fn too_much_memory_is_seen(f: Fixture) {
    let spec = f.behaving("greedy", "memory");
    f.cloud.ensure_container(&spec).await.unwrap();
    f.wait_for(&spec.name, |status| matches!(status, ContainerStatus::Exited { out_of_memory: true, .. })).await;
}

pub async fn what_is_missing_is_named(f: Fixture) {
    let no_image = ContainerSpec { image: "aerie/absent:1".into(), ..f.idle("a") };
    let error = f.cloud.ensure_container(&no_image).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::NotFound);
    assert!(error.message.contains("aerie/absent:1"), "{error}");
    let network = f.network_spec("absent");
    let no_network = attached(f.idle("b"), &network);
    let error = f.cloud.ensure_container(&no_network).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::NotFound);
    assert!(error.message.contains(&network.name), "{error}");
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), [], "nothing half-made remains");
    f.cloud.ensure_network(&network).await.unwrap();
    f.cloud.ensure_container(&no_network).await.expect("it works once the network is there");
}

pub async fn services_are_told_apart(f: Fixture) {
    let one = f.idle("one");
    let sibling = ContainerSpec { service: one.service, instance: InstanceId::generate(), ..f.idle("sibling") };
    let other = f.idle("other");
    for spec in [&one, &sibling, &other] {
        f.cloud.ensure_container(spec).await.unwrap();
    }
    let names = |found: Vec<aerie_cloud::Observed>| found.into_iter().map(|it| it.name).collect::<Vec<_>>();
    let of = |service| Scope::Service(service);
    assert_eq!(names(f.cloud.inventory(&of(one.service)).await.unwrap()), [one.name.clone(), sibling.name]);
    assert_eq!(names(f.cloud.inventory(&of(other.service)).await.unwrap()), [other.name]);
    assert_eq!(f.cloud.inventory(&of(ServiceId::generate())).await.unwrap(), []);
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap().len(), 3);
}

pub async fn foreign_containers_are_untouched(f: Fixture) {
    let spec = f.idle("taken");
    f.hands.add_foreign(&spec.name).await;
    assert_eq!(kind_of(f.cloud.ensure_container(&spec).await), CloudErrorKind::Conflict);
    assert_eq!(kind_of(f.cloud.remove_container(&spec.name, Duration::ZERO).await), CloudErrorKind::Conflict);
    let lines: Result<Vec<_>, _> = f.cloud.logs(&spec.name, LogsFrom::default()).try_collect().await;
    assert_eq!(kind_of(lines), CloudErrorKind::NotFound);
    assert_eq!(f.cloud.inventory(&Scope::Installation).await.unwrap(), []);
    assert!(f.hands.has_foreign(&spec.name).await);
}

async fn lines(f: &Fixture, name: &str, from: LogsFrom) -> Vec<CloudLogLine> {
    timeout(SOON, f.cloud.logs(name, from).try_collect()).await.expect("it ends").unwrap()
}

fn texts(lines: &[CloudLogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

pub async fn output_is_read_with_cursor_and_tail(f: Fixture) {
    let spec = f.behaving("writer", "lines:5");
    f.cloud.ensure_container(&spec).await.unwrap();
    let start = Instant::now();
    let mut all = lines(&f, &spec.name, LogsFrom::default()).await;
    while all.len() < 5 {
        assert!(start.elapsed() < SOON, "only {all:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        all = lines(&f, &spec.name, LogsFrom::default()).await;
    }
    assert_eq!(texts(&all), ["line 1", "line 2", "line 3", "line 4", "line 5"]);
    assert!(all.is_sorted_by_key(|line| line.at));
    let tail = lines(&f, &spec.name, LogsFrom { tail: Some(2), ..LogsFrom::default() }).await;
    assert_eq!(texts(&tail), ["line 4", "line 5"]);
    let after = |line: &CloudLogLine| LogsFrom { after: Some(line.at), ..LogsFrom::default() };
    assert_eq!(texts(&lines(&f, &spec.name, after(&all[2])).await), ["line 4", "line 5"]);
    assert_eq!(lines(&f, &spec.name, after(&all[4])).await, []);
    let both = LogsFrom { tail: Some(1), ..after(&all[1]) };
    assert_eq!(texts(&lines(&f, &spec.name, both).await), ["line 5"]);
    let absent: Result<Vec<_>, _> = f.cloud.logs("aerie-absent", LogsFrom::default()).try_collect().await;
    assert_eq!(kind_of(absent), CloudErrorKind::NotFound);
}

pub async fn output_is_followed_to_the_end(f: Fixture) {
    let spec = f.behaving("ticker", "ticks");
    f.cloud.ensure_container(&spec).await.unwrap();
    let mut follow = f.cloud.logs(&spec.name, LogsFrom { follow: true, ..LogsFrom::default() });
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(timeout(SOON, follow.next()).await.expect("lines come").expect("it goes on").unwrap());
    }
    assert_eq!(texts(&seen), ["line 1", "line 2", "line 3", "line 4"]);
    // A reader that lost its connection goes on where it was.
    let from = LogsFrom { after: Some(seen[1].at), follow: true, tail: None };
    let next = timeout(SOON, f.cloud.logs(&spec.name, from).next()).await.expect("a line comes").unwrap().unwrap();
    assert_eq!(next, seen[2]);
    f.cloud.remove_container(&spec.name, Duration::ZERO).await.unwrap();
    let rest: Vec<_> = timeout(SOON, follow.collect::<Vec<_>>()).await.expect("it ends with its container");
    assert!(rest.iter().all(Result::is_ok), "{rest:?}");
}

pub async fn whoever_follows_again_gets_every_later_line_once(f: Fixture) {
    let spec = f.behaving("novelist", "lines:1500");
    f.cloud.ensure_container(&spec).await.unwrap();
    let follow = |after: Option<&CloudLogLine>, count: usize| {
        let from = LogsFrom { after: after.map(|line| line.at), follow: true, tail: None };
        let lines = f.cloud.logs(&spec.name, from).take(count).try_collect::<Vec<_>>();
        async move { timeout(SOON, lines).await.expect("all lines come").unwrap() }
    };
    let all = follow(None, 1500).await;
    assert_eq!((all[0].text.as_str(), all[1499].text.as_str()), ("line 1", "line 1500"));
    // Recently, and so long ago that many lines were written since.
    for at in [1489, 100, 0] {
        assert_eq!(follow(Some(&all[at]), 1499 - at).await, all[at + 1..], "after line {}", at + 1);
    }
}

pub async fn a_stopped_container_can_be_read_and_stays_down(f: Fixture) {
    let spec = f.behaving("speaker", "lines:3");
    f.cloud.ensure_container(&spec).await.unwrap();
    let mut follow = f.cloud.logs(&spec.name, LogsFrom { follow: true, ..LogsFrom::default() });
    for _ in 0..3 {
        timeout(SOON, follow.next()).await.expect("lines come").expect("it goes on").unwrap();
    }
    for _ in 0..2 {
        f.cloud.stop_container(&spec.name, Duration::from_secs(5)).await.expect("also a second time");
        let status = f.find(&spec.name).await.map(|observed| observed.status);
        assert!(matches!(status, Some(ContainerStatus::Exited { .. })), "{status:?}");
    }
    let lines: Vec<_> = f.cloud.logs(&spec.name, LogsFrom::default()).try_collect().await.unwrap();
    assert_eq!(texts(&lines), ["line 1", "line 2", "line 3"]);
    f.cloud.remove_container(&spec.name, Duration::ZERO).await.unwrap();
    f.cloud.stop_container(&spec.name, Duration::ZERO).await.expect("what is absent is stopped");
}

pub async fn events_arrive_quickly(f: Fixture) {
    let spec = f.idle("a");
    let mut events = f.cloud.events();
    f.cloud.ensure_container(&spec).await.unwrap();
    let started = timeout(SOON, events.next()).await.expect("an event comes").unwrap().unwrap();
    assert_eq!((started.service, started.instance), (spec.service, spec.instance));
    let killed_at = Instant::now();
    f.hands.kill(&spec.name).await;
    let died = timeout(SOON, events.next()).await.expect("an event comes").unwrap().unwrap();
    assert!(killed_at.elapsed() < Duration::from_secs(1), "{:?}", killed_at.elapsed());
    assert_eq!(died.instance, spec.instance);
}

pub async fn callers_share_an_image(f: Fixture) {
    let image = f.image_spec("abcd");
    let (one, two) = tokio::join!(f.cloud.ensure_image(&image, silent()), f.cloud.ensure_image(&image, silent()));
    let name = one.unwrap();
    assert_eq!(two.unwrap(), name);
    assert_eq!(f.cloud.ensure_image(&image, silent()).await.unwrap(), name);
    let other = f.cloud.ensure_image(&f.image_spec("dcba"), silent()).await.unwrap();
    assert_ne!(other, name, "another digest is another image");
}

pub async fn impossible_specs_are_refused(f: Fixture) {
    let unlimited = ContainerSpec { memory_mib: 0, ..f.idle("a") };
    assert_eq!(kind_of(f.cloud.ensure_container(&unlimited).await), CloudErrorKind::InvalidSpec);
    let image = aerie_cloud::ImageSpec { digest: "x".into(), ..f.image_spec("abcd") };
    assert_eq!(kind_of(f.cloud.ensure_image(&image, silent()).await), CloudErrorKind::InvalidSpec);
}
