//! Logs: history in the order of time, live lines, new instances, filters, resuming.

use crate::support::App;
use aerie_cloud::{Cloud, ContainerSpec, NetworkMode};
use aerie_domain::{InstanceId, ServiceId};
use aerie_store::{LogLevel, NewInstance};
use sqlx::PgPool;
use std::{collections::BTreeMap, fs, time::Duration};

/// An instance of the service with a running container; returns the container's name.
async fn instance(app: &App, service: &str) -> (InstanceId, String) {
    let (id, service) = (InstanceId::generate(), service.parse::<ServiceId>().unwrap());
    let new = NewInstance {
        id,
        service_id: service,
        auxiliary: false,
        size: "small".to_owned(),
        roles: Vec::new(),
        slot: None,
    };
    let mut txn = app.state.store.begin().await.unwrap();
    txn.instance_insert(&new).await.unwrap();
    txn.commit().await.unwrap();
    let name = format!("aerie-{}-{}", service.short(), id.short());
    app.cloud.add_image("test");
    let spec = ContainerSpec {
        name: name.clone(),
        instance: id,
        service,
        image: "test".to_owned(),
        network: NetworkMode::Host,
        environment: BTreeMap::new(),
        volumes: Vec::new(),
        tmpfs: BTreeMap::new(),
        executable: Vec::new(),
        capabilities: Vec::new(),
        mounter: false,
        cpu_millis: 100,
        memory_mib: 64,
        pids: 10,
        log_mib: 1,
    };
    app.cloud.ensure_container(&spec).await.unwrap();
    (id, name)
}

async fn pause() {
    // The simulated clock goes on with tokio's time; two lines shall not have the same moment.
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn history_is_merged_filtered_and_cut(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let ((one, name_one), (_, name_two)) = (instance(&app, &service).await, instance(&app, &service).await);
    for (name, text) in [
        (&name_one, "php|out|first"),
        (&name_two, "web|access|second"),
        (&name_one, "php|err|\u{1b}[31mthird\u{1b}[0m"),
        (&name_two, "web|access|Fourth"),
    ] {
        assert!(app.cloud.write_log(name, text));
        pause().await;
    }
    let id = service.parse().unwrap();
    app.state.store.manager_log_append(id, LogLevel::Info, "starting").await.unwrap();
    let path = format!("/api/v1/services/{service}/logs");
    let texts = async |query: &str| -> Vec<String> {
        let page = ada.get(&format!("{path}?{query}")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts("instance=&text=").await, ["first", "second", "third", "Fourth", "starting"]);
    assert_eq!(texts("tail=2").await, ["Fourth", "starting"]);
    assert_eq!(texts("role=web&tail=1").await, ["Fourth"]);
    assert_eq!(texts("text=fOUR").await, ["Fourth"]);
    assert_eq!(texts("stream=err").await, ["third"]);
    assert_eq!(texts("instance=manager").await, ["starting"]);
    assert_eq!(texts(&format!("instance={}", one.short())).await, ["first", "third"]);
    let file = ada.get(&format!("{path}?format=text&role=php")).await;
    assert!(file.text.lines().next().unwrap().ends_with(&format!("{} php out first", one.short())), "{}", file.text);
    ada.get(&format!("{path}?tail=many")).await.refused(422, "invalid_input");
}

#[sqlx::test(migrations = "../../migrations")]
async fn lines_that_are_rare_or_far_back_are_found_among_many(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let (_, name) = instance(&app, &service).await;
    for number in 0..20_000 {
        let text = if number % 4_000 == 1 { format!("rare {number}") } else { format!("usual {number}") };
        assert!(app.cloud.write_log(&name, &format!("php|out|{text}")));
    }
    let texts = async |query: &str| -> Vec<String> {
        let page = ada.get(&format!("/api/v1/services/{service}/logs?{query}")).await.expect(200);
        page["items"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts("text=rare&tail=1").await, ["rare 16001"]);
    assert_eq!(texts("text=rare&tail=3").await, ["rare 8001", "rare 12001", "rare 16001"]);
    assert_eq!(texts("text=rare&tail=10").await, ["rare 1", "rare 4001", "rare 8001", "rare 12001", "rare 16001"]);
    assert_eq!(texts("role=php&tail=2").await, ["usual 19998", "usual 19999"]);
    assert_eq!(texts("role=web").await, [""; 0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn live_lines_follow_the_history_and_new_instances_join(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let (_, one) = instance(&app, &service).await;
    app.cloud.write_log(&one, "php|out|old");
    let mut stream = ada.events(&format!("/api/v1/services/{service}/logs/stream")).await;
    assert_eq!(stream.named("line").await.data["text"], "old");
    stream.named("history-end").await;
    pause().await;
    app.cloud.write_log(&one, "php|out|live");
    assert_eq!(stream.named("line").await.data["text"], "live");
    let (two_id, two) = instance(&app, &service).await;
    app.cloud.write_log(&two, "php|out|from a new instance");
    let line = stream.named("line").await;
    assert_eq!((&line.data["text"], &line.data["instance"]), (&"from a new instance".into(), &two_id.short().into()));
    app.state.store.manager_log_append(service.parse().unwrap(), LogLevel::Warn, "careful").await.unwrap();
    let line = stream.named("line").await;
    assert_eq!((&line.data["text"], &line.data["stream"]), (&"careful".into(), &"warn".into()));
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_comes_back_misses_nothing_and_reads_nothing_twice(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let ((_, one), (_, two)) = (instance(&app, &service).await, instance(&app, &service).await);
    for number in 0..6 {
        app.cloud.write_log(if number % 2 == 0 { &one } else { &two }, &format!("php|out|{number}"));
        pause().await;
    }
    let path = format!("/api/v1/services/{service}/logs/stream?tail=4");
    let mut stream = ada.events(&path).await;
    assert_eq!(stream.named("line").await.data["text"], "2", "the oldest two were not asked for");
    let last = stream.named("line").await;
    assert_eq!(last.data["text"], "3");
    drop(stream);

    app.cloud.write_log(&one, "php|out|6");
    let mut resumed = ada.clone().with("last-event-id", &last.id).events(&path).await;
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(resumed.named("line").await.data["text"].as_str().unwrap().to_owned());
    }
    // Lines of one instance come in order; those of several may mix.
    texts.sort();
    assert_eq!(texts, ["4", "5", "6"]);
    ada.clone().with("last-event-id", "nonsense").get(&path).await.refused(422, "invalid_input");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_last_words_of_an_instance_are_read_and_the_stream_goes_on(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let (id, name) = instance(&app, &service).await;
    let path = format!("/api/v1/services/{service}/logs/stream");
    let mut stream = ada.events(&path).await;
    stream.named("history-end").await;
    app.cloud.write_log(&name, "php|out|first");
    let first = stream.named("line").await;

    // The manager keeps the output, removes the container and then the row.
    let at = first.data["at"].as_str().unwrap();
    let kept = format!("{at} php|out|first\n2030-01-01T00:00:00Z php|out|last words\n");
    let folder = app.state.config.options.data_dir.join("logs").join(&service);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{id}.log.zst")), zstd::encode_all(kept.as_bytes(), 3).unwrap()).unwrap();
    app.cloud.remove_container(&name, Duration::ZERO).await.unwrap();
    let mut txn = app.state.store.begin().await.unwrap();
    txn.instance_retire(id, 100).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(stream.named("line").await.data["text"], "last words");

    let (_, next) = instance(&app, &service).await;
    app.cloud.write_log(&next, "php|out|somebody new");
    assert_eq!(stream.named("line").await.data["text"], "somebody new");
    // Whoever comes later finds it all in the history.
    let page = ada.get(&format!("/api/v1/services/{service}/logs?instance={}", id.short())).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "{page}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_slow_reader_is_told_of_the_gap(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let (_, name) = instance(&app, &service).await;
    let mut stream = ada.events(&format!("/api/v1/services/{service}/logs/stream")).await;
    stream.named("history-end").await;
    // Nobody reads while these are written.
    for number in 0..6_000 {
        app.cloud.write_log(&name, &format!("php|out|{number}"));
        if number % 100 == 0 {
            pause().await;
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut lines = 0;
    loop {
        let event = stream.next().await.expect("the stream goes on");
        if event.name == "gap" {
            break;
        }
        lines += 1;
        assert!(lines < 6_000, "all lines waited in memory");
    }
    assert!(lines > 0);
}
