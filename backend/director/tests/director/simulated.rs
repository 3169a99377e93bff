//! The simulated cloud as an operator gets it with `AERIE_CLOUD=simulated`: services really run there.

use crate::support::{App, Client};
use aerie_cloud::ContainerStatus;
use aerie_director::{agents::SignsOfLife, identity::Authority, simulated_agents::SimulatedAgents};
use aerie_domain::DirectorId;
use aerie_kinds::Kinds;
use aerie_manager::{Manager, ManagerParts, ManagerSettings};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::{path::Path, sync::Arc, time::Duration};

/// A manager and the agents, as `serve` starts them.
fn manage(app: &App) {
    let (store, director, life) = (app.state.store.clone(), DirectorId::generate(), SignsOfLife::default());
    let agents = SimulatedAgents::new(
        store.clone(),
        app.cloud.clone(),
        director,
        life.clone(),
        app.state.metrics.loads().clone(),
    );
    app.state.lifecycle.spawn_until_soft(agents.run(&app.state.listener));
    app.state.lifecycle.spawn_until_soft(life.write(store.clone()));
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates");
    let authority = Arc::new(Authority::open(app.folder.path()).unwrap());
    let manager = Manager::new(ManagerParts {
        store,
        cloud: Arc::new(app.cloud.clone()),
        kinds: Kinds::load(&templates).unwrap(),
        director,
        identities: authority,
        settings: ManagerSettings { log_dir: app.folder.path().join("logs"), ..ManagerSettings::default() },
    })
    .with_signals(app.state.listener.subscribe());
    let soft = app.state.lifecycle.soft().clone();
    app.state.lifecycle.spawn(async move { manager.run(soft).await });
}

async fn until(ada: &Client<'_>, service: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let view = ada.get(&format!("/api/v1/services/{service}")).await.expect(200);
        if condition(&view) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited for {what}; last seen: {}", ada.get(&format!("/api/v1/services/{service}")).await.text);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_service_of_the_simulated_cloud_runs_scales_heals_and_stops(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    manage(&app);
    ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
    until(&ada, &service, "RUNNING", |view| view["state"] == "RUNNING").await;

    ada.put(&format!("/api/v1/services/{service}/scale"), json!({ "roles": { "php": 3 } })).await.expect(202);
    let serving = |view: &Value| {
        let php = view["roles"].as_array().unwrap().iter().find(|role| role["name"] == "php").unwrap();
        view["state"] == "RUNNING" && php["serving"] == 3 && view["instance_count"] == 4
    };
    until(&ada, &service, "three php instances", serving).await;

    let running = |container: &aerie_cloud::Observed| container.status == ContainerStatus::Running;
    let before = app.cloud.containers();
    let victim = before.iter().find(|one| running(one) && one.service.to_string() == service).unwrap();
    assert!(app.cloud.kill(&victim.name));
    until(&ada, &service, "everything to run again", |view| {
        serving(view) && app.cloud.containers().iter().filter(|one| running(one)).count() == before.len()
    })
    .await;

    ada.post(&format!("/api/v1/services/{service}/stop"), json!({})).await.expect(202);
    until(&ada, &service, "STOPPED", |view| view["state"] == "STOPPED").await;
    assert!(app.cloud.containers().iter().all(|one| one.service.to_string() != service));
}
