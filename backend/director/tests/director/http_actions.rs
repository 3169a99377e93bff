//! Actions, through the real router; what agents do is written into the rows.

use crate::support::{App, Client};
use aerie_agent_protocol::InstanceReport;
use aerie_domain::{ActionRunId, DirectorId, InstanceId, LifeId, RolePhase, ServiceId, views::ActionState};
use aerie_store::{InstanceRole, NewInstance, ReportKept};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::OffsetDateTime;

async fn generic(owner: &Client<'_>, application: &str) -> String {
    let application = owner.post("/api/v1/applications", json!({"name": application})).await.expect(201);
    let path = format!("/api/v1/applications/{}/services", application["id"].as_str().unwrap());
    let service = owner.post(&path, json!({"kind": "generic"})).await.expect(201);
    service["id"].as_str().unwrap().to_owned()
}

/// An instance whose agent has told of itself.
async fn instance(app: &App, service: &str, role: &str) -> InstanceId {
    let id = InstanceId::generate();
    let role = InstanceRole {
        role: role.parse().unwrap(),
        phase: RolePhase::Serving,
        since: OffsetDateTime::now_utc(),
        drain_until: None,
    };
    let service_id: ServiceId = service.parse().unwrap();
    let new = NewInstance { id, service_id, auxiliary: false, size: "small".to_owned(), roles: vec![role], slot: None };
    let mut txn = app.state.store.begin().await.unwrap();
    txn.instance_insert(&new).await.unwrap();
    txn.commit().await.unwrap();
    let report = InstanceReport { life: Some(LifeId::generate()), ..InstanceReport::default() };
    let kept = app.state.store.instance_report(id, DirectorId::generate(), &report).await.unwrap();
    assert_eq!(kept, ReportKept::Yes);
    id
}

/// What a manager writes when an agent has told of it.
async fn told(app: &App, run: &Value, on: InstanceId, state: ActionState, code: Option<i32>) {
    let run: ActionRunId = run["id"].as_str().unwrap().parse().unwrap();
    let mut txn = app.state.store.begin().await.unwrap();
    assert!(txn.action_result_set(run, on, state, code, "ended somehow").await.unwrap());
    txn.commit().await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_action_is_asked_for_told_of_and_remembered(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = generic(&ada, "numbers").await;
    let path = format!("/api/v1/services/{service}/actions");
    let before = ada.get(&path).await.expect(200);
    let names: Vec<_> = before["actions"].as_array().unwrap().iter().map(|a| a["name"].clone()).collect();
    assert_eq!(names, ["run", "interrupt", "cleanup"]);
    assert_eq!(before["actions"][0]["fields"][0]["name"], "parameters");
    assert!(before["obstacles"]["run"].as_str().unwrap().contains("Start the service first"), "{before}");
    let stopped = ada.post(&format!("{path}/run"), json!({})).await.refused(409, "conflict");
    assert!(stopped["detail"].as_str().unwrap().contains("Start the service first"), "{stopped}");

    ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
    ada.post(&format!("{path}/run"), json!({})).await.refused(409, "conflict");
    let (master, node) = (instance(&app, &service, "master").await, instance(&app, &service, "node").await);
    let run = ada.post(&format!("{path}/run"), json!({"values": {"parameters": " 1 2 "}})).await.expect(202);
    assert_eq!((&run["action"], &run["values"]["parameters"]), (&json!("run"), &json!("1 2")));
    assert_eq!(run["results"].as_array().unwrap().len(), 2, "on all, when nothing is said");

    // While it runs, nothing that it excludes, another version included.
    told(&app, &run, master, ActionState::Ended, Some(0)).await;
    told(&app, &run, node, ActionState::Running, None).await;
    for name in ["run", "cleanup"] {
        let problem = ada.post(&format!("{path}/{name}"), json!({})).await.refused(409, "conflict");
        assert!(problem["detail"].as_str().unwrap().contains(&node.short()), "{problem}");
    }
    let versions = ada.get(&format!("/api/v1/services/{service}/versions")).await.expect(200);
    let activate = json!({"version_id": versions["items"][0]["id"]});
    let activation = format!("/api/v1/services/{service}/activate");
    ada.post(&activation, activate.clone()).await.refused(409, "conflict");
    let on_master = json!({"instances": [master]});
    let problem = ada.post(&format!("{path}/interrupt"), on_master).await.refused(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("could end"), "{problem}");
    let interrupt = ada.post(&format!("{path}/interrupt"), json!({"instances": [node]})).await.expect(202);
    told(&app, &interrupt, node, ActionState::Ended, Some(0)).await;
    told(&app, &run, node, ActionState::Ended, Some(3)).await;

    let after = ada.get(&path).await.expect(200);
    assert_eq!(after["obstacles"]["run"], Value::Null, "{after}");
    assert!(after["obstacles"]["interrupt"].as_str().unwrap().contains("Nothing runs"), "{after}");
    let shown = after["instances"].as_array().unwrap().iter().find(|i| i["id"] == json!(node)).unwrap();
    let light = shown["lights"].as_array().unwrap().iter().find(|light| light["action"] == "run").unwrap();
    assert_eq!((&light["state"], &light["code"]), (&json!("ended"), &json!(3)));
    assert_eq!(after["runs"][0]["action"], "interrupt");
    let history = ada.get(&format!("{path}/runs")).await.expect(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 2);
    assert_eq!(history["items"][1]["requested_by"], "ada");
    let newest = history["items"][0]["id"].as_str().unwrap();
    let older = ada.get(&format!("{path}/runs?before={newest}")).await.expect(200);
    assert_eq!(older["items"][0]["id"], run["id"]);
    ada.post(&activation, activate).await.expect(202);
}

#[sqlx::test(migrations = "../../migrations")]
async fn bad_presses_are_refused_and_strangers_learn_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (service, other) = (generic(&ada, "numbers").await, generic(&eve, "others").await);
    for (owner, service) in [(&ada, &service), (&eve, &other)] {
        owner.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
    }
    let own = instance(&app, &service, "master").await;
    let foreign = instance(&app, &other, "master").await;
    let door = instance(&app, &service, "door").await;
    let path = format!("/api/v1/services/{service}/actions");
    for end in ["", "/runs"] {
        eve.get(&format!("{path}{end}")).await.refused(404, "not_found");
    }
    eve.post(&format!("{path}/run"), json!({})).await.refused(404, "not_found");
    ada.post(&format!("{path}/explode"), json!({})).await.refused(404, "not_found");
    ada.post(&format!("{path}/run"), json!({"instances": [foreign]})).await.refused(404, "not_found");
    ada.get(&format!("{path}/runs?before=x")).await.refused(400, "malformed_request");
    let cases = [
        (json!({"instances": []}), "instances"),
        (json!({"instances": [door]}), "instances"),
        (json!({"values": {"parameters": "x".repeat(1001)}}), "values.parameters"),
        (json!({"values": {"parameters": "a\nb"}}), "values.parameters"),
        (json!({"values": {"other": ""}}), "values.other"),
    ];
    for (form, field) in cases {
        let problem = ada.post(&format!("{path}/run"), form).await.refused(422, "invalid_input");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    assert_eq!(ada.get(&format!("{path}/runs")).await.expect(200)["items"], json!([]), "nothing of it was asked for");
    let run = ada.post(&format!("{path}/run"), json!({"instances": [own]})).await.expect(202);
    assert_eq!(run["results"][0]["role"], "master");
    // The page's form, without scripts: boxes are keys, and none ticked is refused.
    told(&app, &run, own, ActionState::Ended, Some(0)).await;
    let browser = app.browser("ada").await;
    let form = format!("service={service}&action=run&values[parameters]=1+2&choose=on");
    let pressed = browser.form("/fn/run_action", &format!("{form}&instances[on-{own}]=on")).await;
    assert!(pressed.status.as_u16() < 400, "{}", pressed.text);
    let refused = browser.form("/fn/run_action", &form).await;
    assert!(refused.text.contains("invalid_input") || refused.text.contains("conflict"), "{}", refused.text);
    let runs = ada.get(&format!("{path}/runs")).await.expect(200);
    assert_eq!(runs["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&runs["items"][0]["values"]["parameters"], &runs["items"][0]["results"][0]["instance_id"]),
        (&json!("1 2"), &json!(own))
    );
    // Kinds without actions have none.
    let php = ada.php("blog").await;
    assert_eq!(ada.get(&format!("/api/v1/services/{php}/actions")).await.expect(200)["actions"], json!([]));
    ada.post(&format!("/api/v1/services/{php}/actions/run"), json!({})).await.refused(404, "not_found");
}
