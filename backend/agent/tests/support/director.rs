//! A director's agent listener, as small as can be: TLS with client certificates, one websocket per agent, archives by
//! digest. It checks what a real one would and remembers what it was told.

use aerie_agent_protocol::{DIRECTOR_TLS_NAME, FromAgent, InstanceReport, PROTOCOL_VERSION, ToAgent, Usage};
use aerie_domain::InstanceId;
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use rustls_pki_types::PrivateKeyDer;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{broadcast, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::AbortOnDropHandle;

pub struct Director {
    address: SocketAddr,
    authority: Arc<Issuer<'static, KeyPair>>,
    authority_pem: String,
    tls: Arc<ServerConfig>,
    shared: Arc<Shared>,
    listening: Option<AbortOnDropHandle<()>>,
}

struct Shared {
    heard: Mutex<Heard>,
    say: broadcast::Sender<String>,
    /// Said to every agent that connects.
    greeting: Mutex<Option<String>>,
    archives: Mutex<HashMap<String, Vec<u8>>>,
    /// Ends the conversations of now without ending their connections.
    silence: watch::Sender<()>,
}

#[derive(Default)]
struct Heard {
    hellos: Vec<i64>,
    report: InstanceReport,
    reports: usize,
    usages: Vec<Usage>,
}

impl Director {
    pub async fn start() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let authority = Issuer::new(params, key);
        let own_key = KeyPair::generate().expect("a key");
        let own = CertificateParams::new(vec![DIRECTOR_TLS_NAME.to_owned()])
            .expect("parameters")
            .signed_by(&own_key, &authority)
            .expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("a root");
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().expect("a verifier");
        let tls = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![own.der().clone()], PrivateKeyDer::try_from(own_key.serialize_der()).expect("a key"))
            .expect("a server configuration");
        Self::listen(Arc::new(authority), certificate.pem(), Arc::new(tls)).await
    }

    /// One more director of the same installation.
    pub async fn another(&self) -> Self {
        Self::listen(self.authority.clone(), self.authority_pem.clone(), self.tls.clone()).await
    }

    async fn listen(authority: Arc<Issuer<'static, KeyPair>>, authority_pem: String, tls: Arc<ServerConfig>) -> Self {
        let shared = Arc::new(Shared {
            heard: Mutex::default(),
            say: broadcast::channel(64).0,
            greeting: Mutex::default(),
            archives: Mutex::default(),
            silence: watch::Sender::new(()),
        });
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut director = Self { address, authority, authority_pem, tls, shared, listening: None };
        director.back().await;
        director
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an agent proves itself with.
    pub fn identity(&self, instance: InstanceId) -> String {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(rcgen::DnType::CommonName, instance.to_string());
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate");
        STANDARD.encode([self.authority_pem.clone(), certificate.pem(), key.serialize_pem()].concat())
    }

    /// Goes away: the port is closed and all connections break.
    pub fn away(&mut self) {
        self.listening = None;
    }

    /// Keeps all connections of now, but neither reads nor writes any more.
    pub fn fall_silent(&self) {
        self.shared.silence.send_replace(());
    }

    /// Listens (again, at the same address).
    pub async fn back(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free");
        self.address = listener.local_addr().expect("an address");
        let (acceptor, shared) = (TlsAcceptor::from(self.tls.clone()), self.shared.clone());
        self.listening = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, acceptor.clone(), shared.clone()));
            }
        })));
    }

    /// Says something to the agent now and whenever it connects again.
    pub fn say(&self, message: &ToAgent) {
        let text = serde_json::to_string(message).expect("a message");
        *self.shared.greeting.lock().expect("state") = Some(text.clone());
        let _ = self.shared.say.send(text);
    }

    /// Says something once, whether it makes sense or not.
    pub fn say_once(&self, text: &str) {
        self.shared.say.send(text.to_owned()).expect("an agent is connected");
    }

    pub fn configure(&self, config: aerie_agent_protocol::InstanceConfig) {
        self.say(&ToAgent::Configure(Box::new(config)));
    }

    /// Gives `bytes` to whom asks for `digest`.
    pub fn archive(&self, digest: &str, bytes: Vec<u8>) {
        self.shared.archives.lock().expect("state").insert(digest.to_owned(), bytes);
    }

    pub fn report(&self) -> InstanceReport {
        self.shared.heard.lock().expect("state").report.clone()
    }

    pub fn reports(&self) -> usize {
        self.shared.heard.lock().expect("state").reports
    }

    pub fn usages(&self) -> Vec<Usage> {
        self.shared.heard.lock().expect("state").usages.clone()
    }

    /// How often an agent introduced itself.
    pub fn hellos(&self) -> usize {
        self.shared.heard.lock().expect("state").hellos.len()
    }

    /// The generation with which it did so last.
    pub fn last_hello(&self) -> Option<i64> {
        self.shared.heard.lock().expect("state").hellos.last().copied()
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    if let Some(digest) = line.strip_prefix("GET /code/").and_then(|rest| rest.strip_suffix(" HTTP/1.1")) {
        let body = shared.archives.lock().expect("state").get(digest).cloned();
        let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(&body).await;
        let _ = stream.shutdown().await;
        return;
    }
    assert_eq!(line, "GET /agent HTTP/1.1");
    let (read, write) = tokio::io::split(stream);
    talk(tokio::io::join(std::io::Cursor::new(head).chain(read), write), shared).await;
}

async fn talk(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, shared: Arc<Shared>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let mut say = shared.say.subscribe();
    let mut silence = shared.silence.subscribe();
    let mut first = true;
    loop {
        let text = tokio::select! {
            Ok(()) = silence.changed() => std::future::pending().await,
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(_)) => continue,
                _ => return,
            },
            Ok(text) = say.recv() => {
                let _ = socket.send(Message::Text(text.into())).await;
                continue;
            }
        };
        let message: FromAgent = serde_json::from_str(&text).expect("agents speak the protocol");
        assert_eq!(matches!(message, FromAgent::Hello { .. }), std::mem::take(&mut first), "hello comes first, once");
        let greeting = {
            let mut heard = shared.heard.lock().expect("state");
            match message {
                FromAgent::Hello { protocol, generation, .. } => {
                    assert_eq!(protocol, PROTOCOL_VERSION);
                    heard.hellos.push(generation);
                    shared.greeting.lock().expect("state").clone()
                }
                FromAgent::Report(report) => {
                    heard.report = *report;
                    heard.reports += 1;
                    None
                }
                FromAgent::Usage(usage) => {
                    heard.usages.push(usage);
                    None
                }
            }
        };
        if let Some(greeting) = greeting {
            let _ = socket.send(Message::Text(greeting.into())).await;
        }
    }
}
