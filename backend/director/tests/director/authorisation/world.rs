//! Ada, who has one of everything, and what stands for it in the table.

use super::table::{Body, Row};
use crate::support::{App, Client, PASSWORD};
use aerie_domain::{
    AnnouncementId, BackupId, BackupWhy, DirectorId, LoadRunId, ServiceId, TokenId, TokenScope, UserId,
};
use aerie_store::{LoadRunLimits, NewBackup, NewLoadRun, NewToken};
use axum::{
    body,
    http::{Method, Request, header},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

/// In the names of all that is ada's: nobody else may ever see it.
pub const MARK: &str = "adas-secret";
const BOUNDARY: &str = "multipart/form-data; boundary=cut-here";

/// One of everything.
pub struct World {
    pub user: UserId,
    things: BTreeMap<&'static str, String>,
}

impl World {
    /// A user with one of everything. `name` is also the user's name.
    pub async fn of(app: &App, name: &str) -> Self {
        let user = app.user(name).await;
        let browser = app.browser(name).await;
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let application = format!("{name}s-secret");
        let application = user.post("/api/v1/applications", json!({"name": application})).await.expect(201);
        let application = text(&application["id"]);
        let path = format!("/api/v1/applications/{application}/services");
        let service = user.post(&path, json!({"kind": "php", "name": format!("{name}s-secret")})).await.expect(201);
        let service = text(&service["id"]);
        let path = format!("/api/v1/services/{service}/versions");
        let version = user.send(upload(user.request(Method::POST, &path, body::Body::empty()))).await.expect(201);
        let operation = user.post(&format!("/api/v1/services/{service}/start"), json!({})).await.expect(202);
        let token = json!({"name": format!("{name}s-secret"), "scope": "read", "expires_in_days": 1});
        let token = browser.post("/api/v1/me/tokens", token).await.expect(201);
        let session = browser.get("/api/v1/me/sessions").await.expect(200);
        let me = text(&user.get("/api/v1/me").await.expect(200)["user"]["id"]).parse().unwrap();
        let path = format!("/api/v1/applications/{application}/services");
        let store = json!({"kind": "keyvalue", "name": format!("{name}s-secret-store")});
        let store = text(&user.post(&path, store).await.expect(201)["id"]);
        let tool = json!({"kind": "generic", "name": format!("{name}s-secret-tool")});
        let tool = text(&user.post(&path, tool).await.expect(201)["id"]);
        let db = json!({"kind": "mysql", "name": format!("{name}s-secret-db")});
        let db = text(&user.post(&path, db).await.expect(201)["id"]);
        let backup = backup(app, name, me, db.parse().unwrap()).await;
        let path = format!("/api/v1/applications/{application}/volumes");
        let volume = json!({"name": format!("{name}s-secret")});
        let volume = text(&user.post(&path, volume).await.expect(201)["id"]);
        let run = load_run(app, me, service.parse().unwrap()).await;
        let things = BTreeMap::from([
            ("user", me.to_string()),
            ("store", store.clone()),
            ("other", store),
            ("volume", volume),
            ("tool", tool),
            ("db", db),
            ("backup", backup.to_string()),
            ("action", "run".to_owned()),
            ("secret", "password".to_owned()),
            ("load-run", run.to_string()),
            ("announcement", AnnouncementId::generate().to_string()),
            ("application", application),
            ("service", service),
            ("version", text(&version["id"])),
            ("operation", text(&operation["operation"]["id"])),
            ("token", text(&token["token"]["id"])),
            ("session", text(&session["items"][0]["id"])),
            ("kind", "php".to_owned()),
        ]);
        Self { user: me, things }
    }

    /// What stands for a thing.
    pub fn thing(&self, name: &str) -> &str {
        self.things.get(name).map_or_else(|| panic!("say in world.rs what {{{name}}} stands for"), String::as_str)
    }

    /// The path with things in it.
    pub fn path(&self, path: &str) -> String {
        let mut before = String::new();
        let mut filled = Vec::new();
        for part in path.split('/') {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            let singular = match before.as_str() {
                // A site has no passwords of its own.
                "services" if path.contains("/secrets/") => "store".to_owned(),
                // Nor data.
                "services" if path.contains("/backups") => "db".to_owned(),
                // Nor buttons.
                "services" if path.contains("/actions") => "tool".to_owned(),
                before => before.strip_suffix('s').unwrap_or(before).to_owned(),
            };
            filled.push(match name {
                Some("id" | "name") => self.thing(&singular).to_owned(),
                Some(name) => self.thing(name).to_owned(),
                None => part.to_owned(),
            });
            part.clone_into(&mut before);
        }
        filled.join("/")
    }

    fn fill(&self, text: &str) -> String {
        self.things.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    }

    /// The request that a line of the table means.
    pub fn request(&self, client: &Client<'_>, row: &Row) -> Request<body::Body> {
        let method: Method = row.method.parse().unwrap();
        let path = self.path(row.path);
        let with_type = |text: String, content_type: &str| {
            let mut request = client.request(method.clone(), &path, body::Body::from(text));
            request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            request
        };
        match row.body {
            Body::Nothing => client.request(method.clone(), &path, body::Body::empty()),
            Body::Json(text) => with_type(self.fill(text), "application/json"),
            Body::Form(text) => with_type(self.fill(text), "application/x-www-form-urlencoded"),
            Body::Upload => upload(client.request(method.clone(), &path, body::Body::empty())),
        }
    }
}

/// A backup with its contents.
async fn backup(app: &App, name: &str, owner: UserId, service: ServiceId) -> BackupId {
    let contents = format!("{name}s-secret rows");
    let digest = hex::encode(Sha256::digest(&contents));
    let blobs = app.state.config.options.data_dir.join("blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join(&digest), &contents).unwrap();
    let new = NewBackup {
        id: BackupId::generate(),
        service_id: service,
        name: format!("{name}s-secret.sql"),
        why: BackupWhy::Uploaded,
        contents: Some((digest, 1)),
        actor_id: owner,
    };
    let mut txn = app.state.store.begin().await.unwrap();
    txn.backup_insert(&new).await.unwrap();
    txn.commit().await.unwrap();
    new.id
}

/// A run of the load generator that goes on.
async fn load_run(app: &App, owner: UserId, service: ServiceId) -> LoadRunId {
    let run = LoadRunId::generate();
    let new = NewLoadRun {
        id: run,
        service_id: service,
        owner_id: owner,
        director_id: DirectorId::generate(),
        rate: 1,
        seconds: 60,
        path: "/".to_owned(),
    };
    let limits = LoadRunLimits { at_once: 100, lost_after: std::time::Duration::from_secs(3600) };
    let mut txn = app.state.store.begin().await.unwrap();
    assert!(txn.load_run_insert(&new, limits).await.unwrap());
    txn.commit().await.unwrap();
    run
}

fn upload(mut request: Request<body::Body>) -> Request<body::Body> {
    let mut archive = tar::Builder::new(Vec::new());
    let content = b"<?php echo 'hello';";
    let mut head = tar::Header::new_gnu();
    head.set_size(content.len() as u64);
    head.set_mode(0o644);
    archive.append_data(&mut head, "index.php", &content[..]).unwrap();
    let mut text = b"--cut-here\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.tar\"\r\n\r\n".to_vec();
    text.extend(archive.into_inner().unwrap());
    text.extend(b"\r\n--cut-here--\r\n");
    request.headers_mut().insert(header::CONTENT_TYPE, BOUNDARY.parse().unwrap());
    *request.body_mut() = body::Body::from(text);
    request
}

/// Puts a token into the database and gives its secret.
pub async fn token(app: &App, user: UserId, scope: TokenScope, lives: Duration) -> String {
    let id = TokenId::generate();
    let secret = format!("aerie_test-token-{id}");
    let token = NewToken {
        id,
        user_id: user,
        name: id.to_string(),
        prefix: "aerie_test".to_owned(),
        secret_hash: Sha256::digest(&secret).to_vec(),
        scope,
        expires_at: OffsetDateTime::now_utc() + lives,
    };
    let mut txn = app.state.store.begin().await.unwrap();
    txn.token_insert(&token).await.unwrap();
    txn.commit().await.unwrap();
    secret
}

/// A statement of which tests need nothing but that it was done.
pub async fn sql(app: &App, statement: &'static str, user: UserId) {
    sqlx::query(statement).bind(user.0).execute(app.state.store.pool()).await.unwrap();
}

/// A new password, set in a browser.
pub async fn change_password(browser: &Client<'_>) {
    let form = json!({
        "current_password": PASSWORD, "password": "another horse battery", "password_again": "another horse battery",
    });
    assert_eq!(browser.put("/api/v1/me/password", form).await.status, 204);
}
