//! The agent listener with a real TLS client.

use crate::support::App;
use aerie_agent_protocol::{
    CodePlan, DIRECTOR_TLS_NAME, FromAgent, InstanceConfig, InstanceReport, PROTOCOL_VERSION, ToAgent,
};
use aerie_director::{
    agents::{AgentParts, acceptor, serve},
    identity::Authority,
};
use aerie_domain::{DirectorId, InstanceId, ServiceId};
use aerie_store::NewInstance;
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use sqlx::PgPool;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// A director that agents can call.
pub struct Listening {
    pub app: App,
    authority: Authority,
    address: SocketAddr,
    service: ServiceId,
}

pub async fn listen(pool: PgPool) -> Listening {
    let app = App::start(pool).await;
    let service = app.user("ada").await.php("blog").await.parse().unwrap();
    let authority = Authority::open(app.folder.path()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let doors = aerie_director::agents::Doors::default();
    let parts = AgentParts {
        store: app.state.store.clone(),
        usecases: app.state.usecases.clone(),
        listener: Arc::clone(&app.state.listener),
        director: DirectorId::generate(),
        lifecycle: app.state.lifecycle.clone(),
        loads: app.state.metrics.loads().clone(),
        signs_of_life: aerie_director::agents::SignsOfLife::default(),
        doors: doors.clone(),
    };
    app.state.lifecycle.spawn_until_soft(doors.look(app.state.store.clone()));
    app.state.lifecycle.spawn(serve(listener, acceptor(&authority).unwrap(), parts));
    Listening { app, authority, address, service }
}

impl Listening {
    async fn instance(&self, service: ServiceId) -> InstanceId {
        let id = InstanceId::generate();
        let new = NewInstance {
            id,
            service_id: service,
            auxiliary: false,
            size: "small".to_owned(),
            roles: Vec::new(),
            slot: None,
        };
        let mut txn = self.app.state.store.begin().await.unwrap();
        txn.instance_insert(&new).await.unwrap();
        txn.commit().await.unwrap();
        id
    }

    async fn configure(&self, instance: InstanceId, generation: i64) {
        let config = InstanceConfig {
            generation,
            instance,
            files: Vec::new(),
            code: CodePlan::default(),
            processes: Vec::new(),
            init: Vec::new(),
            environment: BTreeMap::new(),
            tasks: Vec::new(),
            drain: Vec::new(),
        };
        let mut txn = self.app.state.store.begin().await.unwrap();
        txn.instance_set_config(instance, &config).await.unwrap();
        txn.commit().await.unwrap();
    }

    /// A TLS connection with the identity that the authority gives the instance.
    async fn connect(&self, authority: &Authority, instance: InstanceId) -> std::io::Result<TlsStream<TcpStream>> {
        let pem = STANDARD.decode(authority.instance_identity(instance).unwrap()).unwrap();
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(&pem).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.certificate().clone()).unwrap();
        let config = client(roots).with_client_auth_cert(vec![certificates[1].clone()], key).unwrap();
        self.handshake(config).await
    }

    async fn handshake(&self, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from(DIRECTOR_TLS_NAME).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    async fn agent(&self, instance: InstanceId) -> Socket {
        let stream = self.connect(&self.authority, instance).await.unwrap();
        let url = format!("wss://{DIRECTOR_TLS_NAME}/agent");
        tokio_tungstenite::client_async(url, stream).await.unwrap().0
    }

    /// Status and body of a plain GET with the identity of the instance.
    pub async fn get(&self, instance: InstanceId, path: &str) -> (u16, Vec<u8>) {
        self.ask(instance, "GET", path, b"").await
    }

    /// The same with another method, and a body.
    pub async fn ask(&self, instance: InstanceId, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = self.connect(&self.authority, instance).await.unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {DIRECTOR_TLS_NAME}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // Refused before all was read: the answer is what counts.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        (status, answer[head + 4..].to_vec())
    }
}

fn client(roots: RootCertStore) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

async fn say(socket: &mut Socket, message: &FromAgent) {
    socket.send(Message::text(serde_json::to_string(message).unwrap())).await.unwrap();
}

async fn hello(socket: &mut Socket, instance: InstanceId) {
    say(socket, &FromAgent::Hello { protocol: PROTOCOL_VERSION, instance, generation: 0 }).await;
}

/// The next message of the director; nothing when it has closed the connection.
async fn hear(socket: &mut Socket) -> Option<ToAgent> {
    loop {
        match timeout(Duration::from_secs(15), socket.next()).await.expect("an answer in time") {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_is_told_where_directors_listen(pool: PgPool) {
    let listening = listen(pool).await;
    let store = &listening.app.state.store;
    store.director_heartbeat(DirectorId::generate(), 7071).await.unwrap();
    store.director_heartbeat(DirectorId::generate(), 7070).await.unwrap();
    let instance = listening.instance(listening.service).await;
    let mut socket = listening.agent(instance).await;
    hello(&mut socket, instance).await;
    // The look may have come between the two.
    loop {
        match hear(&mut socket).await {
            Some(ToAgent::Directors { ports }) if ports == [7070, 7071] => break,
            Some(ToAgent::Directors { ports }) if ports == [7071] => {}
            other => panic!("{other:?}"),
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_is_configured_and_heard(pool: PgPool) {
    let listening = listen(pool).await;
    let instance = listening.instance(listening.service).await;
    listening.configure(instance, 1).await;
    let mut socket = listening.agent(instance).await;
    hello(&mut socket, instance).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Configure(config)) if config.generation == 1));
    listening.configure(instance, 2).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Configure(config)) if config.generation == 2));

    let report = InstanceReport { applied_generation: 2, target_generation: 2, ..InstanceReport::default() };
    say(&mut socket, &FromAgent::Report(Box::new(report.clone()))).await;
    let mut kept = None;
    for _ in 0..100 {
        kept = listening.app.state.store.instance_fetch(instance).await.unwrap();
        if kept.as_ref().is_some_and(|row| row.report.is_some()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let row = kept.expect("the instance is there");
    assert_eq!(row.report, Some(report));
    assert!(row.connected_to.is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn strangers_do_not_get_in(pool: PgPool) {
    let listening = listen(pool).await;
    let instance = listening.instance(listening.service).await;
    // Without a certificate. In TLS 1.3 the client learns of it with its first read.
    let mut roots = RootCertStore::empty();
    roots.add(listening.authority.certificate().clone()).unwrap();
    let refused = match listening.handshake(client(roots).with_no_client_auth()).await {
        Ok(mut stream) => stream.read_u8().await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "somebody without a certificate got in");
    // With a certificate of another installation for the very same instance.
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Authority::open(elsewhere.path()).unwrap();
    let refused = match listening.connect(&other, instance).await {
        Ok(mut stream) => stream.read_u8().await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "another authority was trusted");
}

#[sqlx::test(migrations = "../../migrations")]
async fn removed_and_pretended_instances_are_sent_away(pool: PgPool) {
    let listening = listen(pool).await;
    let instance = listening.instance(listening.service).await;
    // Its certificate is for another one.
    let mut socket = listening.agent(instance).await;
    hello(&mut socket, InstanceId::generate()).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Refused { .. })));
    // Another version of the protocol.
    let mut socket = listening.agent(instance).await;
    say(&mut socket, &FromAgent::Hello { protocol: PROTOCOL_VERSION + 1, instance, generation: 0 }).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Refused { .. })));
    // Removed while it is connected: told with its next report.
    let mut socket = listening.agent(instance).await;
    hello(&mut socket, instance).await;
    listening.configure(instance, 1).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Configure(_))));
    let mut txn = listening.app.state.store.begin().await.unwrap();
    txn.instance_retire(instance, 0).await.unwrap();
    txn.commit().await.unwrap();
    say(&mut socket, &FromAgent::Report(Box::default())).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Refused { .. })));
    // And when it comes back.
    let mut socket = listening.agent(instance).await;
    hello(&mut socket, instance).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Refused { .. })));
    assert!(hear(&mut socket).await.is_none(), "the connection is closed");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_connection_replaces_the_old(pool: PgPool) {
    let listening = listen(pool).await;
    let instance = listening.instance(listening.service).await;
    listening.configure(instance, 1).await;
    let mut old = listening.agent(instance).await;
    hello(&mut old, instance).await;
    assert!(hear(&mut old).await.is_some());
    let mut new = listening.agent(instance).await;
    hello(&mut new, instance).await;
    assert!(hear(&mut new).await.is_some());
    assert!(hear(&mut old).await.is_none(), "the old connection is closed");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let row = listening.app.state.store.instance_fetch(instance).await.unwrap().unwrap();
    assert!(row.connected_to.is_some(), "the end of the old connection does not count");
}

#[sqlx::test(migrations = "../../migrations")]
async fn code_is_for_the_service_that_has_it(pool: PgPool) {
    let listening = listen(pool).await;
    let own = listening.instance(listening.service).await;
    let other_service: ServiceId = listening.app.user("eve").await.php("other").await.parse().unwrap();
    let other = listening.instance(other_service).await;
    let versions = listening.app.state.store.version_list(listening.service, None, 10).await.unwrap();
    let digest = &versions[0].normalised_digest;
    let (status, body) = listening.get(own, &format!("/code/{digest}")).await;
    assert_eq!(status, 200);
    assert!(!body.is_empty());
    // Both services began with the same default version; the other one loses it.
    for statement in [
        "update services set active_version_id = null where id = $1",
        "delete from code_versions where service_id = $1",
    ] {
        sqlx::query(statement).bind(other_service.0).execute(listening.app.state.store.pool()).await.unwrap();
    }
    assert_eq!(listening.get(other, &format!("/code/{digest}")).await.0, 404);
    for path in ["/code/..%2F..%2Fauthority.key", &format!("/code/{}", "0".repeat(64)), "/", "/api/v1/me"] {
        assert_eq!(listening.get(own, path).await.0, 404, "{path}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_instance_s_certificate_opens_nothing_of_another(pool: PgPool) {
    let listening = listen(pool).await;
    let own = listening.instance(listening.service).await;
    let other_service: ServiceId = listening.app.user("eve").await.php("other").await.parse().unwrap();
    let other = listening.instance(other_service).await;
    listening.configure(own, 1).await;
    // Code that only the other service has.
    let versions = listening.app.state.store.version_list(listening.service, None, 10).await.unwrap();
    let digest = "ab".repeat(32);
    for (service, digest) in [(listening.service, &digest), (other_service, &"cd".repeat(32))] {
        sqlx::query("update code_versions set normalised_digest = $2 where service_id = $1")
            .bind(service.0)
            .bind(digest)
            .execute(listening.app.state.store.pool())
            .await
            .unwrap();
    }
    let blobs = listening.app.state.config.options.data_dir.join("blobs");
    std::fs::copy(blobs.join(&versions[0].normalised_digest), blobs.join(&digest)).unwrap();
    let path = format!("/code/{digest}");
    assert_eq!(listening.get(own, &path).await.0, 200, "the request works for whom it is meant");
    assert_eq!(listening.get(other, &path).await.0, 404);
    // The configuration that comes is that of the certificate, and whoever names another instance is sent away.
    let mut socket = listening.agent(other).await;
    hello(&mut socket, own).await;
    assert!(matches!(hear(&mut socket).await, Some(ToAgent::Refused { .. })));
    // A report is kept for the instance of the certificate.
    let mut socket = listening.agent(other).await;
    hello(&mut socket, other).await;
    let report = InstanceReport { applied_generation: 1, ..InstanceReport::default() };
    say(&mut socket, &FromAgent::Report(Box::new(report))).await;
    for _ in 0..100 {
        if listening.app.state.store.instance_fetch(other).await.unwrap().unwrap().report.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let store = &listening.app.state.store;
    assert!(store.instance_fetch(other).await.unwrap().unwrap().report.is_some());
    assert!(store.instance_fetch(own).await.unwrap().unwrap().report.is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_removed_instance_gets_no_code(pool: PgPool) {
    let listening = listen(pool).await;
    let instance = listening.instance(listening.service).await;
    let versions = listening.app.state.store.version_list(listening.service, None, 10).await.unwrap();
    let path = format!("/code/{}", versions[0].normalised_digest);
    assert_eq!(listening.get(instance, &path).await.0, 200);
    let mut txn = listening.app.state.store.begin().await.unwrap();
    txn.instance_retire(instance, 0).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(listening.get(instance, &path).await.0, 404);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_that_talks_nonsense_is_cut_off(pool: PgPool) {
    let listening = listen(pool).await;
    let instance = listening.instance(listening.service).await;
    listening.configure(instance, 1).await;
    let large = "x".repeat(2 * 1024 * 1024);
    let deep = "[".repeat(200_000);
    for nonsense in ["", "{}", "{\"type\":\"report\"}", "\u{0}", deep.as_str(), large.as_str()] {
        let mut socket = listening.agent(instance).await;
        hello(&mut socket, instance).await;
        assert!(hear(&mut socket).await.is_some());
        // The director may hang up while it is still being said.
        let _ = socket.send(Message::text(nonsense)).await;
        assert!(hear(&mut socket).await.is_none(), "{}", &nonsense[..nonsense.len().min(40)]);
    }
}
