//! A director in memory, and people who talk to it.

use aerie_cloud::simulated::{SimulatedCloud, SimulatedOptions};
use aerie_director::{
    config::{Config, Options},
    firewall::Protection,
    http::{auth::StreamSlots, openapi, router::router},
    lifecycle::Lifecycle,
    metrics::Metrics,
    state::{AppState, leptos_options},
    volume_files::CloudFiles,
};
use aerie_frontend::Assets;
use aerie_kinds::Kinds;
use aerie_store::{Listener, Store};
use aerie_usecases::{BackupLimits, Disks, UploadLimits, UseCaseSettings, UseCases};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use clap::Parser;
use futures_util::StreamExt;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tower::ServiceExt;

/// Every test user's password.
pub const PASSWORD: &str = "correct horse battery";
/// Largest upload in tests.
pub const UPLOAD_BYTES: usize = 1024 * 1024;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

/// A director with everything but ports.
pub struct App {
    pub router: Router,
    pub state: AppState,
    pub cloud: SimulatedCloud,
    pub folder: TempDir,
}

impl App {
    pub async fn start(pool: PgPool) -> Self {
        Self::start_at(pool, "http://localhost:7700").await
    }

    pub async fn start_at(pool: PgPool, public_url: &str) -> Self {
        Self::start_with(pool, public_url, |_| {}).await
    }

    /// With other settings than most tests have.
    pub async fn start_with(pool: PgPool, public_url: &str, change: impl FnOnce(&mut UseCaseSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates");
        let arguments: [&str; 9] = [
            "director",
            "--database-url",
            "postgres://unused/unused",
            "--data-dir",
            data.to_str().unwrap(),
            "--templates-dir",
            templates.to_str().unwrap(),
            "--public-url",
            public_url,
        ];
        let config = Arc::new(Config::check(Cli::parse_from(arguments).options).unwrap());
        let store = Store::from_pool(pool);
        let kinds = Kinds::load(&templates).unwrap();
        let mut settings = settings(&data);
        change(&mut settings);
        let usecases = UseCases::new(store.clone(), kinds, settings);
        usecases.ensure_system().await.unwrap();
        let lifecycle = Lifecycle::new();
        let listener = Arc::new(Listener::start(&store, lifecycle.soft()));
        let cloud = SimulatedCloud::new(SimulatedOptions::default());
        let files = CloudFiles::new(Arc::new(cloud.clone()), store.clone(), usecases.kinds().clone(), "test");
        usecases.give_volume_files(Arc::new(files));
        let state = AppState {
            usecases,
            store,
            cloud: Arc::new(cloud.clone()),
            firewall: Protection::off("there are no containers in tests"),
            listener,
            api_document: Arc::new(openapi::document()),
            streams: StreamSlots::default(),
            assets: Assets::none(),
            leptos: leptos_options(&config),
            lifecycle,
            metrics: Metrics::default(),
            config,
        };
        Self { router: router(state.clone()), state, cloud, folder }
    }

    /// Somebody who is not signed in.
    pub fn anybody(&self) -> Client<'_> {
        Client { app: self, headers: Vec::new() }
    }

    /// A new user with a token.
    pub async fn user(&self, name: &str) -> Client<'_> {
        let form = json!({
            "user_name": name, "email": format!("{name}@example.org"), "password": PASSWORD, "password_again": PASSWORD,
        });
        self.anybody().post("/api/v1/users", form).await.expect(201);
        let login = json!({"user_name": name, "password": PASSWORD});
        let token = self.anybody().post("/api/v1/login", login).await.expect(201);
        self.with_token(token["secret"].as_str().unwrap())
    }

    pub fn with_token(&self, secret: &str) -> Client<'_> {
        self.anybody().with(header::AUTHORIZATION.as_str(), &format!("Bearer {secret}"))
    }

    /// Signs in as a browser does, with the page's form; the client has the cookie then.
    pub async fn browser(&self, name: &str) -> Client<'_> {
        let form = format!("user_name={name}&password={}", PASSWORD.replace(' ', "+"));
        let answer = self.anybody().form("/fn/log_in", &form).await;
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        self.anybody().with(header::COOKIE.as_str(), &cookie)
    }
}

fn settings(data: &Path) -> UseCaseSettings {
    let mut uploads = UploadLimits::default();
    uploads.archive.max_upload_bytes = UPLOAD_BYTES as u64;
    UseCaseSettings {
        backups: BackupLimits { max_bytes: UPLOAD_BYTES as u64, ..BackupLimits::default() },
        data_dir: data.to_owned(),
        domain: "localhost".to_owned(),
        public_port: 7780,
        initial_credit: aerie_domain::Credits::whole(50),
        charge_period: Duration::from_secs(60),
        max_applications: 20,
        max_instances: 20,
        max_versions: 20,
        open_registration: true,
        uploads,
        disks: Disks::new(0, data),
        can_mount: true,
        session_days: 30,
        password_memory_kib: 64,
        login_attempts: 10,
    }
}

/// Somebody with headers of their own.
#[derive(Clone)]
pub struct Client<'a> {
    app: &'a App,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client<'_> {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request = request.header(header::HOST, "localhost:7700");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(body).unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 * 1024 * 1024).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Sends a request and gives the answer before its body has been read.
    pub async fn open(&self, request: Request<Body>) -> Response {
        self.app.router.clone().oneshot(request).await.unwrap()
    }

    async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let mut request = self.request(method, path, Body::from(body.to_string()));
        request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        self.send(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, Body::empty())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, Body::empty())).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, &body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, path, &body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PATCH, path, &body).await
    }

    pub async fn form(&self, path: &str, body: &str) -> Answer {
        let mut request = self.request(Method::POST, path, Body::from(body.to_owned()));
        request.headers_mut().insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        self.send(request).await
    }

    /// Makes an application and a PHP service in it; returns the service's id.
    pub async fn php(&self, application: &str) -> String {
        let application = self.post("/api/v1/applications", json!({"name": application})).await.expect(201);
        let path = format!("/api/v1/applications/{}/services", application["id"].as_str().unwrap());
        let service = self.post(&path, json!({"kind": "php"})).await.expect(201);
        service["id"].as_str().unwrap().to_owned()
    }

    /// Opens a stream of server-sent events.
    pub async fn events(&self, path: &str) -> Events {
        let response = self.app.router.clone().oneshot(self.request(Method::GET, path, Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Events { body: response.into_body().into_data_stream(), text: String::new() }
    }
}

impl Answer {
    /// The body, if the status is the expected one.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).expect("JSON") }
    }

    /// The body of a refusal, if it is the expected one.
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        problem
    }
}

/// A stream of server-sent events.
pub struct Events {
    body: axum::body::BodyDataStream,
    text: String,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Events {
    /// The next event with data; nothing when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let prefix = format!("{name}: ");
                    block.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
                };
                if let Ok(data) = serde_json::from_str(&field("data")) {
                    return Some(Event { name: field("event"), id: field("id"), data });
                }
            }
            let bytes =
                tokio::time::timeout(Duration::from_secs(20), self.body.next()).await.expect("an event in time")?;
            self.text.push_str(&String::from_utf8_lossy(&bytes.unwrap()));
        }
    }

    /// The next event that has this name; others are passed over.
    pub async fn named(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before a {name}"));
            if event.name == name {
                return event;
            }
        }
    }
}
