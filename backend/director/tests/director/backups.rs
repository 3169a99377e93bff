//! Backups from the wish to the end, with the agents' listener; what instances do is written into their rows.

use crate::{
    agents::{Listening, listen},
    support::{Answer, Client},
};
use aerie_agent_protocol::InstanceReport;
use aerie_domain::{
    ActionRunId, DesiredState, DirectorId, InstanceId, LifeId, RolePhase, ServiceId, views::ActionState,
};
use aerie_store::{InstanceRole, NewInstance};
use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::OffsetDateTime;

/// Ada's database, with an instance that serves.
struct Scene {
    home: Listening,
    service: ServiceId,
    instance: InstanceId,
}

impl Scene {
    async fn new(pool: PgPool) -> Self {
        let home = listen(pool).await;
        let ada = home.app.user("ada2").await;
        let application = ada.post("/api/v1/applications", json!({"name": "shop"})).await.expect(201);
        let path = format!("/api/v1/applications/{}/services", application["id"].as_str().unwrap());
        let service = ada.post(&path, json!({"kind": "mysql", "name": "db"})).await.expect(201);
        let service: ServiceId = service["id"].as_str().unwrap().parse().unwrap();
        ada.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
        let instance = serving(&home, service, 0).await;
        Self { home, service, instance }
    }

    async fn ada(&self) -> Client<'_> {
        self.home.app.browser("ada2").await
    }

    fn path(&self, end: &str) -> String {
        format!("/api/v1/services/{}/backups{end}", self.service)
    }

    async fn look(&self) {
        self.home.app.state.usecases.advance_backups().await.unwrap();
    }

    /// The task that an instance was asked for: its name and id.
    async fn task(&self) -> (String, ActionRunId) {
        self.look().await;
        let open = self.home.app.state.store.actions_open(self.service).await.unwrap();
        assert_eq!(open.len(), 1, "{open:?}");
        (open[0].action.to_string(), open[0].run_id)
    }

    /// The instance tells how the task ended.
    async fn ended(&self, run: ActionRunId, state: ActionState, code: Option<i32>, message: &str) {
        let mut txn = self.home.app.state.store.begin().await.unwrap();
        assert!(txn.action_result_set(run, self.instance, state, code, message).await.unwrap());
        txn.commit().await.unwrap();
        self.look().await;
    }

    async fn list(&self) -> Value {
        self.ada().await.get(&self.path("")).await.expect(200)
    }

    /// Plays an instance that dumps these bytes.
    async fn dump(&self, bytes: &[u8]) {
        let (name, run) = self.task().await;
        assert_eq!(name, "backup-dump");
        let (status, said) = self.home.ask(self.instance, "PUT", &format!("/tasks/{run}/output"), bytes).await;
        assert_eq!(status, 204, "{}", String::from_utf8_lossy(&said));
        self.ended(run, ActionState::Ended, Some(0), "ended with exit code 0").await;
    }

    /// Plays an instance that reads these bytes for a task and finds them good.
    async fn reads(&self, action: &str, bytes: &[u8]) {
        let (name, run) = self.task().await;
        assert_eq!(name, action);
        assert_eq!(self.home.get(self.instance, &format!("/tasks/{run}/input")).await, (200, bytes.to_vec()));
        self.ended(run, ActionState::Ended, Some(0), "ended with exit code 0").await;
    }

    async fn upload(&self, bytes: &[u8]) -> Answer {
        let mut form =
            b"--cut-here\r\nContent-Disposition: form-data; name=\"file\"; filename=\"my dump.sql\"\r\n\r\n".to_vec();
        form.extend(bytes);
        form.extend(b"\r\n--cut-here--\r\n");
        let ada = self.ada().await;
        let mut request = ada.request(Method::POST, &self.path("/upload"), Body::from(form));
        let kind = "multipart/form-data; boundary=cut-here".parse().unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        ada.send(request).await
    }
}

async fn serving(home: &Listening, service: ServiceId, slot: i32) -> InstanceId {
    let store = &home.app.state.store;
    let id = InstanceId::generate();
    let role = |name: &str| InstanceRole {
        role: name.parse().unwrap(),
        phase: RolePhase::Serving,
        since: OffsetDateTime::UNIX_EPOCH,
        drain_until: None,
    };
    let new = NewInstance {
        id,
        service_id: service,
        auxiliary: false,
        size: "small".to_owned(),
        roles: vec![role("glb"), role("mysql")],
        slot: Some(slot),
    };
    let mut txn = store.begin().await.unwrap();
    txn.instance_insert(&new).await.unwrap();
    txn.commit().await.unwrap();
    let report = InstanceReport { life: Some(LifeId::generate()), ..InstanceReport::default() };
    store.instance_report(id, DirectorId::generate(), &report).await.unwrap();
    id
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_backup_is_made_checked_downloaded_and_put_back(pool: PgPool) {
    let scene = Scene::new(pool).await;
    let ada = scene.ada().await;
    let made = ada.post(&scene.path(""), json!({})).await.expect(202);
    assert_eq!((made["state"].as_str(), made["why"].as_str()), (Some("making"), Some("asked")));
    ada.post(&scene.path(""), json!({})).await.refused(409, "conflict");
    scene.dump(b"all the rows").await;
    let made = &scene.list().await["items"][0];
    assert_eq!((made["state"].as_str(), made["size_bytes"].as_i64()), (Some("ready"), Some(12)));
    assert!(made["check"].is_null(), "{made}");
    scene.reads("backup-check", b"all the rows").await;
    let list = scene.list().await;
    let first = list["items"][0].clone();
    assert_eq!((&first["check"]["ok"], &list["job"]), (&json!(true), &Value::Null));
    let path = scene.path(&format!("/{}", first["id"].as_str().unwrap()));
    let file = ada.get(&format!("{path}/file")).await;
    assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "all the rows"));
    let name = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.contains("\"db-2") && name.ends_with(".sql.gz\""), "{name}");

    // Only with the name of the service.
    let restore = format!("{path}/restore");
    ada.post(&restore, json!({"confirm": "shop"})).await.refused(422, "invalid_input");
    ada.post(&restore, json!({})).await.refused(422, "invalid_input");
    let job = ada.post(&restore, json!({"confirm": "db"})).await.expect(202);
    assert_eq!(job["step"], "dump", "it was checked before");
    ada.delete(&path).await.refused(409, "conflict");
    scene.dump(b"rows of today").await;
    scene.reads("backup-check", b"rows of today").await;
    scene.reads("backup-load", b"all the rows").await;
    let list = scene.list().await;
    assert_eq!((&list["last_restore"]["reason"], &list["job"]), (&json!(""), &Value::Null));
    let before = &list["items"][0];
    assert_eq!((before["why"].as_str(), &before["id"]), (Some("before_restore"), &list["last_restore"]["backup"]));
    assert_eq!(ada.delete(&path).await.status, 204);
    ada.get(&path).await.refused(404, "not_found");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_instance_gets_at_nothing_but_what_it_was_asked_for(pool: PgPool) {
    let scene = Scene::new(pool).await;
    let (ada, other) = (scene.ada().await, serving(&scene.home, scene.service, 1).await);
    ada.post(&scene.path(""), json!({})).await.expect(202);
    let (_, run) = scene.task().await;
    let (input, output) = (format!("/tasks/{run}/input"), format!("/tasks/{run}/output"));
    assert_eq!(scene.home.get(scene.instance, &input).await.0, 404, "it is there to write");
    assert_eq!(scene.home.ask(other, "PUT", &output, b"forged").await.0, 404, "another one was asked");
    for strange in [format!("/tasks/{}/output", ActionRunId::generate()), "/tasks/x/output".to_owned()] {
        assert_eq!(scene.home.ask(scene.instance, "PUT", &strange, b"x").await.0, 404, "{strange}");
    }
    assert_eq!(scene.home.ask(scene.instance, "PUT", &output, b"rows").await.0, 204);
    assert_eq!(scene.home.ask(scene.instance, "PUT", &output, b"others").await.0, 404, "once");
    scene.ended(run, ActionState::Ended, Some(0), "").await;
    let (name, run) = scene.task().await;
    assert_eq!(name, "backup-check");
    let input = format!("/tasks/{run}/input");
    assert_eq!(scene.home.get(other, &input).await.0, 404);
    assert_eq!(scene.home.get(scene.instance, &input).await.1, b"rows");
    scene.ended(run, ActionState::Ended, Some(0), "").await;
    assert_eq!(scene.home.get(scene.instance, &input).await.0, 404, "it has ended");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_fails_says_why_and_holds_up_nothing(pool: PgPool) {
    let scene = Scene::new(pool).await;
    let ada = scene.ada().await;
    let reason = async || scene.list().await["items"][0]["reason"].as_str().unwrap().to_owned();
    // Too large.
    ada.post(&scene.path(""), json!({})).await.expect(202);
    let (_, run) = scene.task().await;
    let large = vec![0; crate::support::UPLOAD_BYTES + 1];
    assert_eq!(scene.home.ask(scene.instance, "PUT", &format!("/tasks/{run}/output"), &large).await.0, 413);
    scene.ended(run, ActionState::Ended, None, "what it wrote was not kept").await;
    assert!(reason().await.contains("larger than"), "{}", reason().await);
    // The script fails after it has written: the half is not a backup.
    ada.post(&scene.path(""), json!({})).await.expect(202);
    let (_, run) = scene.task().await;
    assert_eq!(scene.home.ask(scene.instance, "PUT", &format!("/tasks/{run}/output"), b"half").await.0, 204);
    scene.ended(run, ActionState::Ended, Some(2), "ended with exit code 2:\nno such table").await;
    let list = scene.list().await;
    let failed = &list["items"][0];
    assert_eq!((failed["state"].as_str(), failed["reason"].as_str()), (Some("failed"), Some("no such table")));
    assert!(failed["digest"].is_null() && list["job"].is_null(), "{list}");
    // Nothing was written at all.
    ada.post(&scene.path(""), json!({})).await.expect(202);
    let (_, run) = scene.task().await;
    scene.ended(run, ActionState::Ended, Some(0), "").await;
    assert!(reason().await.contains("start it again"), "{}", reason().await);
    // The instance is gone.
    ada.post(&scene.path(""), json!({})).await.expect(202);
    let (_, run) = scene.task().await;
    scene.ended(run, ActionState::Lost, None, "the instance was removed").await;
    assert_eq!(reason().await, "the instance was removed");
    // The service is stopped before anybody was asked.
    ada.post(&scene.path(""), json!({})).await.expect(202);
    ada.post(&format!("/api/v1/services/{}/stop", scene.service), json!({})).await.expect(202);
    scene.look().await;
    assert_eq!(reason().await, "the service was stopped");
    ada.post(&scene.path(""), json!({})).await.refused(409, "conflict");
    let service = scene.home.app.state.store.service_fetch(scene.service).await.unwrap().unwrap();
    assert_eq!(service.desired, DesiredState::Stopped);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_upload_is_checked_before_it_can_be_put_back(pool: PgPool) {
    let scene = Scene::new(pool).await;
    let ada = scene.ada().await;
    assert!(
        scene.list().await["takes"].as_str().is_some_and(|takes| takes.contains("mysqldump")),
        "people are told what"
    );
    scene.upload(b"").await.refused(422, "invalid_input");
    let bad = scene.upload(b"half a dump").await.expect(201);
    assert_eq!((bad["why"].as_str(), bad["name"].as_str()), (Some("uploaded"), Some("my dump.sql")));
    let (_, run) = scene.task().await;
    scene.ended(run, ActionState::Ended, Some(1), "ended with exit code 1:\nits end is missing").await;
    let path = scene.path(&format!("/{}", bad["id"].as_str().unwrap()));
    let bad = ada.get(&path).await.expect(200);
    assert_eq!((bad["state"].as_str(), bad["reason"].as_str()), (Some("failed"), Some("its end is missing")));
    ada.post(&format!("{path}/restore"), json!({"confirm": "db"})).await.refused(409, "conflict");
    ada.get(&format!("{path}/file")).await.refused(409, "conflict");

    // One that could not be checked is checked when it shall be put back; if it is bad then, nothing was touched.
    let good = scene.upload(b"a whole dump").await.expect(201);
    let (_, run) = scene.task().await;
    scene.ended(run, ActionState::Lost, None, "the instance was started anew while it ran").await;
    let path = scene.path(&format!("/{}", good["id"].as_str().unwrap()));
    let good = ada.get(&path).await.expect(200);
    assert!(good["state"] == "ready" && good["check"].is_null(), "{good}");
    let job = ada.post(&format!("{path}/restore"), json!({"confirm": "db"})).await.expect(202);
    assert_eq!(job["step"], "check_source");
    let (_, run) = scene.task().await;
    scene.ended(run, ActionState::Ended, Some(1), "ended with exit code 1:\nit does not load").await;
    let list = scene.list().await;
    let reason = list["last_restore"]["reason"].as_str().unwrap();
    assert!(reason.contains("it does not load") && reason.contains("Nothing was changed"), "{reason}");
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "nothing had to be backed up");
}

#[sqlx::test(migrations = "../../migrations")]
async fn scheduled_ones_are_made_when_due_and_the_oldest_go(pool: PgPool) {
    let scene = Scene::new(pool).await;
    let ada = scene.ada().await;
    let path = scene.path("/schedule");
    assert_eq!(ada.get(&path).await.expect(200), json!({"every": "never", "keep": 7}));
    for (every, keep) in [("day", 0), ("day", 31)] {
        ada.put(&path, json!({"every": every, "keep": keep})).await.refused(422, "invalid_input");
    }
    ada.put(&path, json!({"every": "day", "keep": 2})).await.expect(200);
    scene.look().await;
    assert_eq!(scene.list().await["items"], json!([]), "it is not due");
    assert!(scene.list().await["next_at"].is_string());
    for round in 0..4 {
        sqlx::query("update backup_schedules set due_at = now()")
            .execute(scene.home.app.state.store.pool())
            .await
            .unwrap();
        let rows = format!("rows of day {round}");
        scene.dump(rows.as_bytes()).await;
        scene.reads("backup-check", rows.as_bytes()).await;
        scene.look().await;
    }
    let list = scene.list().await;
    let whys: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["why"].as_str().unwrap()).collect();
    assert_eq!(whys, ["scheduled"; 2]);
    assert_eq!(list["items"][0]["requested_by"], Value::Null, "nobody asked");
    ada.put(&path, json!({"every": "never", "keep": 2})).await.expect(200);
    assert_eq!(scene.list().await["next_at"], Value::Null);
}
