//! The doors of the director: pages, REST and the agent listener, asked from this host.

use super::Finding;
use crate::{config::Config, errors::chain, identity::Authority};
use aerie_agent_protocol::DIRECTOR_TLS_NAME;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// How long a door may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 64 * 1024;

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let mut all = vec![transport(config)];
    let own = config.public_url.host().to_owned();
    match get(config, &own, "/login").await {
        Ok(head) => all.extend(headers(&head)),
        Err(error) => {
            let hint = format!("Nothing answers at {}: is the director running? ({error})", config.options.listen);
            all.push(Finding::problem("director answers", hint));
            return all;
        }
    }
    let foreign = get(config, "evil.example", "/login").await;
    all.push(Finding::when(
        foreign.is_ok_and(|head| head.starts_with("HTTP/1.1 421 ")),
        "other host names are refused",
        "A request for another host name was answered: is something between us and the director?",
    ));
    let anonymous = get(config, &own, "/api/v1/me").await;
    all.push(Finding::when(
        anonymous.is_ok_and(|head| head.starts_with("HTTP/1.1 401 ")),
        "REST wants to know who asks",
        "GET /api/v1/me was answered without a token.",
    ));
    all.push(firewall_of_director(&get(config, &own, "/readyz").await));
    all.push(agent_listener(config).await);
    all
}

/// Passwords and cookies must not cross a network in clear.
fn transport(config: &Config) -> Finding {
    let check = "passwords and cookies travel encrypted";
    let listen = config.options.listen.ip();
    match (config.public_url.https(), listen.is_loopback()) {
        (true, true) => Finding::ok(check, "The cookie is marked Secure."),
        (false, true) => Finding::ok(check, "The director is reached from this machine only."),
        (true, false) => Finding::note(
            check,
            format!("The director also listens on {listen} without encryption: set AERIE_LISTEN to 127.0.0.1:<port>."),
        ),
        (false, false) => Finding::problem(
            check,
            format!(
                "The director listens on {listen} without encryption: put a TLS proxy in front, set AERIE_PUBLIC_URL."
            ),
        ),
    }
}

/// The headers that keep pages from being framed, sniffed and injected into.
fn headers(head: &str) -> Vec<Finding> {
    let lower = head.to_ascii_lowercase();
    let has = |text: &str| lower.lines().any(|line| line.starts_with(text));
    let policy = lower.lines().find(|line| line.starts_with("content-security-policy:")).unwrap_or_default();
    let hint = "A proxy in front of the director may have removed it.";
    vec![
        Finding::when(
            policy.contains("frame-ancestors 'none'")
                && policy.contains("'nonce-")
                && !policy.contains("unsafe-inline"),
            "pages run no scripts but ours (Content-Security-Policy)",
            hint,
        ),
        Finding::when(has("x-frame-options: deny"), "pages cannot be framed (X-Frame-Options)", hint),
        Finding::when(has("x-content-type-options: nosniff"), "files keep their type (X-Content-Type-Options)", hint),
    ]
}

/// What the running director says of its firewall; whether it is true is found out by a container.
fn firewall_of_director(answer: &io::Result<String>) -> Finding {
    let check = "director looks after the firewall";
    match answer {
        Ok(text) if text.contains("\"firewall\":{\"ok\":true") => Finding::ok(check, ""),
        Ok(_) => Finding::problem(check, "It does not: see /readyz and the director's log."),
        Err(error) => Finding::problem(check, format!("/readyz did not answer: {error}")),
    }
}

/// The listener of agents must refuse whoever has no certificate.
async fn agent_listener(config: &Config) -> Finding {
    let check = "agent listener wants a certificate";
    match without_certificate(config).await {
        Ok(false) => Finding::ok(check, ""),
        Ok(true) => Finding::problem(check, "It answered somebody without a certificate."),
        Err(error) => Finding::problem(check, format!("It could not be asked: {error}")),
    }
}

/// Whether the listener answers a request of somebody without a certificate.
async fn without_certificate(config: &Config) -> anyhow::Result<bool> {
    let authority = Authority::open(&config.options.data_dir)?;
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone())?;
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = SocketAddr::new([127, 0, 0, 1].into(), config.options.agent_port);
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
    let name = ServerName::try_from(DIRECTOR_TLS_NAME)?;
    // In TLS 1.3 the client learns of a refusal with its first read.
    let talk = async {
        let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
        stream.write_all(b"GET /agent HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
        stream.read_u8().await
    };
    match timeout(PATIENCE, talk).await {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(error)) => {
            tracing::debug!(error = chain(&error), "the agent listener hung up");
            Ok(false)
        }
        Err(_) => Ok(false),
    }
}

/// Head and beginning of the body of an answer.
async fn get(config: &Config, host: &str, path: &str) -> io::Result<String> {
    let mut address = config.options.listen;
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    let talk = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    timeout(PATIENCE, talk).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::Verdict;

    #[test]
    fn missing_headers_are_found() {
        let good = "HTTP/1.1 200 OK\r\ncontent-security-policy: default-src 'self'; script-src 'nonce-x'; frame-ancestors 'none'\r\n\
                    x-frame-options: DENY\r\nx-content-type-options: nosniff\r\n\r\n";
        assert!(headers(good).iter().all(|finding| finding.verdict == Verdict::Ok), "{:?}", headers(good));
        assert!(headers("HTTP/1.1 200 OK\r\n\r\n").iter().all(|finding| finding.verdict == Verdict::Problem));
    }

    #[test]
    fn the_director_s_own_word_is_read() {
        let word = |text: &str| firewall_of_director(&Ok(text.to_owned())).verdict;
        assert_eq!(word(r#"{"ready":true,"firewall":{"ok":true}}"#), Verdict::Ok);
        assert_eq!(word(r#"{"ready":true,"firewall":{"ok":false,"problem":"x"}}"#), Verdict::Problem);
    }
}
