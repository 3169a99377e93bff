//! Load, the load generator and the figures, through the real router.

use crate::support::{App, Client};
use aerie_domain::{DirectorId, InstanceId, ServiceId, Times};
use aerie_store::{InstanceLoad, NewInstance, RoleLoad};
use serde_json::json;
use sqlx::PgPool;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A service with an instance that has answered a hundred requests in two seconds.
async fn busy(app: &App, owner: &Client<'_>) -> (String, InstanceId) {
    let service = owner.php("blog").await;
    let id = instance(app, service.parse().unwrap()).await;
    record(app, id).await;
    (service, id)
}

async fn record(app: &App, id: InstanceId) {
    let mut times = Times::default();
    for _ in 0..100 {
        times.record(5000);
    }
    let used = InstanceLoad {
        instance_id: id,
        covered_ms: 2000,
        cpu_ms: 500,
        memory_bytes: 1 << 20,
        memory_limit_bytes: 1 << 29,
        received_bytes: Some(2000),
        sent_bytes: Some(4000),
    };
    let did = RoleLoad {
        instance_id: id,
        role: "proxy".parse().unwrap(),
        covered_ms: 2000,
        requests: 200,
        client_errors: 2,
        errors: 20,
        queue: 0,
        sessions: 3,
        times,
    };
    app.state.store.loads_record(&[used], &[did], &[]).await.unwrap();
}

async fn instance(app: &App, service: ServiceId) -> InstanceId {
    let id = InstanceId::generate();
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
    id
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_load_is_lists_of_numbers_for_its_owner(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (service, id) = busy(&app, &ada).await;
    let path = format!("/api/v1/services/{service}/load");
    // A coarser step shows the slot that is not over.
    let load = ada.get(&format!("{path}?step=60")).await.expect(200);
    let last = |list: &serde_json::Value| list.as_array().unwrap().last().unwrap().as_f64();
    assert_eq!((load["step_s"].as_u64(), load["points"].as_u64()), (Some(60), Some(5)), "{load}");
    let instance = &load["instances"][0];
    assert_eq!(instance["short"], id.short());
    assert_eq!(last(&instance["cpu_millis"]), Some(250.0));
    assert_eq!(instance["memory_limit_bytes"], 1 << 29);
    assert!(last(&load["roles"]["proxy"]["requests"]).unwrap() > 3.0, "{load}");
    assert!((4.5..5.5).contains(&last(&load["roles"]["proxy"]["p95_ms"]).unwrap()), "{load}");
    let page = ada.get(&format!("/api/v1/services/{service}")).await.expect(200);
    assert_eq!(page["instances"][0]["cpu_millis"], 250, "the page's bars come from the same numbers");

    for end in ["", "/stream"] {
        eve.get(&format!("{path}{end}")).await.refused(404, "not_found");
        app.anybody().get(&format!("{path}{end}")).await.refused(401, "not_signed_in");
    }
    for (query, field) in [("step=7", "step"), ("step=x", "step"), ("from=yesterday", "from"), ("to=1", "to")] {
        let problem = ada.get(&format!("{path}?{query}")).await.refused(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let query = "from=2020-01-01T00:00:00Z&to=2020-01-01T00:05:00%2B01:00";
    ada.get(&format!("{path}?{query}")).await.refused(422, "invalid_input");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_stream_goes_on_where_the_page_ended(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (service, id) = busy(&app, &ada).await;
    let path = format!("/api/v1/services/{service}/load");
    let page = ada.get(&path).await.expect(200);
    // Into the slot of now, which is not in the page: it is not over.
    record(&app, id).await;
    let mut end = page["to"].clone();
    let mut stream = ada.events(&format!("{path}/stream?after={}", end.as_str().unwrap())).await;
    loop {
        let next = stream.named("load").await.data;
        assert_eq!(next["from"], end, "no gap and nothing twice");
        end = next["to"].clone();
        let requests = next["roles"]["proxy"]["requests"].as_array().cloned().unwrap_or_default();
        if let Some(requests) = requests.iter().find_map(serde_json::Value::as_f64) {
            assert!((90.0..110.0).contains(&requests), "{next}");
            break;
        }
    }
    let mut whole = ada.events(&format!("{path}/stream")).await;
    assert_eq!(whole.named("load").await.data["points"], 60);
    ada.get(&format!("{path}/stream?after=now")).await.refused(422, "invalid_input");
}

/// Answers every request with 200, or 503 for `/broken`, and remembers the heads.
async fn entry() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heads, arrived) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let heads = heads.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    let head = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    let status = if head.starts_with("GET /broken ") { "503 No" } else { "200 OK" };
                    let _ =
                        stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await;
                    let _ = heads.send(head);
                }
            });
        }
    });
    (address, arrived)
}

/// Lets the director send requests to `entry`.
fn sending(app: &App, entry: SocketAddr) {
    let orders = app.state.usecases.take_load_orders(DirectorId::generate()).unwrap();
    let stop = app.state.lifecycle.soft().clone();
    app.state.lifecycle.spawn(aerie_director::load::send_requests(app.state.usecases.clone(), orders, entry, stop));
}

async fn ended(ada: &Client<'_>, path: &str) -> serde_json::Value {
    for _ in 0..100 {
        let run = ada.get(path).await.expect(200);
        if run["state"] != "running" {
            return run;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the run did not end: {:?}", ada.get(path).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn requests_go_to_the_entry_with_the_host_of_ones_own_service(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (address, mut heard) = entry().await;
    let service = ada.php("blog").await;
    let path = format!("/api/v1/services/{service}/load-runs");
    let form = json!({"rate": 50, "seconds": 1, "path": "/a?b=c"});
    ada.post(&path, form.clone()).await.refused(409, "conflict");
    ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
    ada.post(&path, form.clone()).await.refused(503, "unavailable");
    sending(&app, address);
    eve.post(&path, form.clone()).await.refused(404, "not_found");
    eve.get(&path).await.refused(404, "not_found");
    let wrong = json!({"rate": 501, "seconds": 61, "path": "http://example.org/"});
    let problem = ada.post(&path, wrong).await.refused(422, "invalid_input");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3, "{problem}");

    let answer = ada.post(&path, form.clone()).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(answer.expect(201)["state"], "running");
    ada.post(&path, form).await.refused(409, "conflict");
    eve.get(&location).await.refused(404, "not_found");
    eve.post(&format!("{location}/cancel"), json!({})).await.refused(404, "not_found");
    let run = ended(&ada, &location).await;
    assert_eq!((&run["state"], &run["sent"], &run["ok"]), (&json!("done"), &json!(50), &json!(50)), "{run}");
    assert!(run["p99_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{run}");
    let head = heard.recv().await.unwrap();
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    let host = format!("host: blog.ada.localhost:{}", address.port());
    assert!(head.to_lowercase().contains(&host), "{head}");
    assert_eq!(ada.get(&path).await.expect(200)["items"][0]["id"], run["id"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_run_can_be_stopped_and_ends_with_the_director(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (address, _heard) = entry().await;
    sending(&app, address);
    let service = ada.php("blog").await;
    ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
    let path = format!("/api/v1/services/{service}/load-runs");
    let form = json!({"rate": 20, "seconds": 60, "path": "/broken"});
    let first = ada.post(&path, form.clone()).await.expect(201);
    let location = format!("/api/v1/load-runs/{}", first["id"].as_str().unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    ada.post(&format!("{location}/cancel"), json!({})).await.expect(200);
    let run = ended(&ada, &location).await;
    assert_eq!(run["state"], "cancelled");
    assert!(run["failed"].as_u64().unwrap() > 3 && run["ok"] == 0, "{run}");
    assert_eq!(run["statuses"]["503"], run["failed"]);

    let second = ada.post(&path, form).await.expect(201);
    app.state.lifecycle.stop().await;
    let run = ended(&ada, &format!("/api/v1/load-runs/{}", second["id"].as_str().unwrap())).await;
    assert_eq!(run["state"], "failed");
    assert!(run["error"].as_str().unwrap().contains("director"), "{run}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn figures_are_for_admins(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let (_, id) = busy(&app, &ada).await;
    app.anybody().get("/metrics").await.refused(401, "not_signed_in");
    ada.get("/metrics").await.refused(403, "not_allowed");
    sqlx::query("update users set role = 'admin' where name = 'ada'").execute(app.state.store.pool()).await.unwrap();
    let usage = json!({
        "cpu_millis": 500, "memory_bytes": 1000, "memory_limit_bytes": 2000, "period_ms": 2000,
        "network": {"received_bytes": 10, "sent_bytes": 20},
        "roles": [{"role": "proxy", "requests": 7, "client_errors": 1, "errors": 2, "queue": 0, "sessions": 3,
                   "times": [[40, 5], [60, 2]]}],
    });
    app.state.metrics.loads().note(id, serde_json::from_value(usage).unwrap());
    let answer = ada.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text;
    let labels = format!("owner=\"ada\",application=\"blog\",service=\"php\",kind=\"php\",instance=\"{}\"", id.short());
    for line in [
        format!("aerie_instance_cpu_seconds_total{{{labels}}} 1.0"),
        format!("aerie_instance_memory_bytes{{{labels}}} 1000.0"),
        format!("aerie_role_requests_total{{{labels},role=\"proxy\"}} 7"),
        format!("aerie_role_request_seconds_count{{{labels},role=\"proxy\"}} 7"),
        "aerie_agents_connected 1".to_owned(),
        "aerie_services{state=\"INIT\"}".to_owned(),
        "aerie_http_requests_total{route=\"/api/v1/users\",method=\"POST\",status=\"201\"} 1".to_owned(),
        "aerie_database_connections_limit".to_owned(),
        "process_resident_memory_bytes".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}
