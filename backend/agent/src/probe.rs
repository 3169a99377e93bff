//! Tries whether a process does its work.

use crate::{
    host::Host,
    job::{self, Job},
};
use aerie_agent_protocol::{HealthProbe, ProbeKind, ProcessReport};
use std::{collections::BTreeMap, io, net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Bytes of an answer that are looked at. Larger: an endless answer costs memory; smaller: a status page may not show
/// the expected text in time.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Characters of a refusing answer that become part of the message.
const KEPT_ANSWER: usize = 120;
/// Characters of a probe program's output that become its message.
const KEPT_OUTPUT: usize = 500;

/// Begins a line of an HTTP answer that is for the owner of the service.
const NOTE: &str = "note: ";

/// Probes once. `Ok` holds what the process has to say to its owner, usually nothing; `Err` says what went wrong, in words that
/// follow the process' name. Dropping the future leaves nothing behind.
pub(crate) async fn probe(
    host: &Host,
    probe: &HealthProbe,
    environment: &BTreeMap<String, String>,
) -> Result<String, String> {
    let timeout = Duration::from_millis(probe.timeout_ms.max(1).into());
    let attempt = async {
        match &probe.kind {
            // Whether it runs is known by whoever probes.
            ProbeKind::Alive => Ok(String::new()),
            ProbeKind::Tcp { port } => connect(*port).await.map(|_| String::new()),
            ProbeKind::Http { port, path, expect } => http(*port, path, expect).await,
            ProbeKind::Exec { command } => {
                let job = Job { command, environment, timeout, log: None, keep: KEPT_OUTPUT };
                let done = job::run(host, job).await;
                if done.ok { Ok(String::new()) } else { Err(format!("is not healthy: its probe {}", done.message())) }
            }
        }
    };
    if matches!(probe.kind, ProbeKind::Exec { .. }) {
        // The job keeps the time itself and can tell more when it is over.
        return attempt.await;
    }
    let late = || Err(format!("did not answer within {} ms", probe.timeout_ms));
    tokio::time::timeout(timeout, attempt).await.unwrap_or_else(|_| late())
}

async fn connect(port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| format!("does not accept connections on port {port} ({})", words(&error)))
}

async fn http(port: u16, path: &str, expect: &str) -> Result<String, String> {
    let mut stream = connect(port).await?;
    let broken = |error: io::Error| format!("broke off a request for {path} on port {port} ({})", words(&error));
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: aerie-agent\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut answer = Answer { bytes: Vec::new(), path, expect };
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.map_err(broken)?;
        answer.bytes.extend_from_slice(&chunk[..read]);
        match answer.verdict() {
            Some(verdict) => return verdict,
            // A server may keep the connection open, so the answer is judged as soon as it can be, not at its end.
            None if read == 0 || answer.complete() || answer.bytes.len() >= LONGEST_ANSWER => {
                return Err(answer.lacking());
            }
            None => {}
        }
    }
}

/// As much of an HTTP answer as has come.
struct Answer<'a> {
    bytes: Vec<u8>,
    path: &'a str,
    expect: &'a str,
}

impl Answer<'_> {
    /// The judgement, as soon as there is enough to judge: with the notes that come before what is expected.
    fn verdict(&self) -> Option<Result<String, String>> {
        let status = self.status()?;
        if status >= 400 {
            return Some(Err(format!("answers {} with status {status}{}", self.path, self.beginning())));
        }
        if self.expect.is_empty() {
            return Some(Ok(String::new()));
        }
        let (_, body) = self.head_and_body()?;
        find(body, self.expect.as_bytes()).map(|at| Ok(notes(&body[..at])))
    }

    /// What it says, as far as it has come: one line is often the reason.
    fn beginning(&self) -> String {
        let text = String::from_utf8_lossy(self.head_and_body().map_or(b"", |(_, body)| body)).into_owned();
        let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(KEPT_ANSWER).collect();
        if words.is_empty() { words } else { format!(": {words}") }
    }

    fn head_and_body(&self) -> Option<(&[u8], &[u8])> {
        let end = find(&self.bytes, b"\r\n\r\n")?;
        Some((&self.bytes[..end], &self.bytes[end + 4..]))
    }

    /// Everything that was announced has come.
    fn complete(&self) -> bool {
        let Some((head, body)) = self.head_and_body() else { return false };
        let head = String::from_utf8_lossy(head);
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length.and_then(|(_, value)| value.trim().parse::<usize>().ok()).is_some_and(|length| body.len() >= length)
    }

    /// The number in the first line, once that is complete. 0 for nonsense.
    fn status(&self) -> Option<u16> {
        let line = &self.bytes[..find(&self.bytes, b"\r\n")?];
        let text = String::from_utf8_lossy(line);
        let mut words = text.split(' ');
        let number = words.next().filter(|w| w.starts_with("HTTP/")).and(words.next());
        Some(number.and_then(|w| w.parse().ok()).filter(|n| *n >= 100).unwrap_or(999))
    }

    /// What a complete answer lacks.
    fn lacking(&self) -> String {
        match self.status() {
            None => format!("does not answer {} as a web server does", self.path),
            Some(_) => format!("answers {}, but not yet with its new configuration", self.path),
        }
    }
}

/// The notes in a part of an answer, a line each.
fn notes(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let notes = text.lines().filter_map(|line| line.strip_prefix(NOTE));
    let lines: Vec<String> = notes.map(|line| line.trim().chars().filter(|c| !c.is_control()).collect()).collect();
    shortened(&lines.join("\n"), ProcessReport::LONGEST_NOTE)
}

fn shortened(line: &str, longest: usize) -> String {
    if line.chars().count() <= longest {
        return line.to_owned();
    }
    line.chars().take(longest - 1).chain(['…']).collect()
}

fn find(in_: &[u8], what: &[u8]) -> Option<usize> {
    in_.windows(what.len().max(1)).position(|window| window == what)
}

/// An error without the number that `io::Error` adds.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{host, sh};
    use tokio::net::TcpListener;

    const WELL: Result<String, String> = Ok(String::new());

    async fn try_it(kind: ProbeKind) -> Result<String, String> {
        let spec = HealthProbe { kind, interval_ms: 1000, timeout_ms: 300, failures: 1 };
        probe(&host().0, &spec, &BTreeMap::new()).await
    }

    /// A server that answers everything alike and keeps the connection open when asked to.
    async fn server(answer: &'static str, stay: bool) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1000];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                if stay {
                    kept.push(stream);
                }
            }
        });
        port
    }

    fn http(port: u16, expect: &str) -> ProbeKind {
        ProbeKind::Http { port, path: "/health".into(), expect: expect.into() }
    }

    #[tokio::test]
    async fn http_looks_at_status_and_body() {
        let port = server("HTTP/1.1 200 OK\r\nX: d1\r\nContent-Length: 12\r\n\r\nconfig is d2", true).await;
        assert_eq!(try_it(http(port, "")).await, WELL);
        assert_eq!(try_it(http(port, "d2")).await, WELL);
        let error = try_it(http(port, "d1")).await.unwrap_err();
        assert!(error.contains("not yet with its new configuration"), "a header is not the body: {error}");
    }

    #[tokio::test]
    async fn http_tells_what_the_process_notes() {
        let port =
            server("HTTP/1.1 200 OK\r\n\r\nnote: version 3 \u{7}is broken\n footnote: x\nnote: so is 4\nd2\n", true)
                .await;
        assert_eq!(try_it(http(port, "d2")).await, Ok("version 3 is broken\nso is 4".to_owned()));
        assert_eq!(notes(format!("note: {}", "é".repeat(600)).as_bytes()), "é".repeat(499) + "…");
    }

    #[tokio::test]
    async fn http_says_what_is_wrong() {
        let busy = server("HTTP/1.1 503 Unavailable\r\n\r\nd2", false).await;
        assert_eq!(try_it(http(busy, "d2")).await.unwrap_err(), "answers /health with status 503: d2");
        let old = server("HTTP/1.1 200 OK\r\n\r\nd1", false).await;
        assert_eq!(
            try_it(http(old, "d2")).await.unwrap_err(),
            "answers /health, but not yet with its new configuration"
        );
        let other = server("SSH-2.0 hello\r\n", false).await;
        assert_eq!(try_it(http(other, "")).await.unwrap_err(), "answers /health with status 999");
        let silent = server("", true).await;
        assert_eq!(try_it(http(silent, "")).await.unwrap_err(), "did not answer within 300 ms");
    }

    #[tokio::test]
    async fn tcp_needs_a_listener() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(try_it(ProbeKind::Tcp { port }).await, WELL);
        drop(listener);
        let error = try_it(ProbeKind::Tcp { port }).await.unwrap_err();
        assert_eq!(error, format!("does not accept connections on port {port} (Connection refused)"));
    }

    #[tokio::test]
    async fn programs_tell_by_their_exit_code() {
        assert_eq!(try_it(ProbeKind::Exec { command: sh("true") }).await, WELL);
        let error = try_it(ProbeKind::Exec { command: sh("echo no; exit 2") }).await.unwrap_err();
        assert_eq!(error, "is not healthy: its probe ended with exit code 2:\nno");
        assert!(try_it(ProbeKind::Exec { command: sh("sleep 9") }).await.unwrap_err().contains("took longer"));
        assert_eq!(try_it(ProbeKind::Alive).await, WELL);
    }
}
