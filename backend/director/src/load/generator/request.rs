//! One request of a load run.

use axum::http::{Request, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioIo},
};
use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tower::Service;

/// Longest time from when a request was due to the end of its answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read. Larger: one run moves more data; smaller: connections of large answers are not
/// used again.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Connects to one address only.
pub(super) type Client = legacy::Client<Dial, Empty<Bytes>>;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its answer came whole.
    Answered {
        /// Status.
        status: u16,
        /// Since it was due.
        micros: u64,
    },
    /// It has no answer; why.
    Failed(&'static str),
}

/// Opens connections to one address, whatever it is asked to connect to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dial(SocketAddr);

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let address = self.0;
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// A client whose every connection goes to `entry`: the address of a request is for its `Host` header only.
pub(super) fn client(entry: SocketAddr) -> Client {
    legacy::Client::builder(TokioExecutor::new()).build(Dial(entry))
}

/// The address of an application; nothing when it cannot be one.
pub(super) fn uri(host: &str, port: u16, path: &str) -> Option<Uri> {
    Uri::builder().scheme("http").authority(format!("{host}:{port}")).path_and_query(path).build().ok()
}

/// Sends it and reads the answer.
pub(super) async fn send(client: Client, uri: Uri, due: Instant) -> Ended {
    match timeout_at(due + PATIENCE, ask(client, uri)).await {
        Ok(Ok(status)) => {
            Ended::Answered { status, micros: u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX) }
        }
        Ok(Err(reason)) => Ended::Failed(reason),
        Err(_) => Ended::Failed("no answer within 15 s"),
    }
}

async fn ask(client: Client, uri: Uri) -> Result<u16, &'static str> {
    let request = Request::get(uri)
        .header(header::USER_AGENT, "aerie-load-generator")
        .body(Empty::new())
        .map_err(|_| "the request could not be made")?;
    let answer = client.request(request).await.map_err(|error| {
        if error.is_connect() {
            "the entry refused the connection"
        } else {
            "the connection was closed without an answer"
        }
    })?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "the answer was cut off")?;
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > MOST_BYTES {
            break;
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// Answers one request and gives what it was sent.
    async fn answer_once(listener: TcpListener, answer: &'static str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    }

    #[tokio::test]
    async fn every_address_leads_to_the_entry() {
        for path in ["/a?b=c", "//127.0.0.1:1/x", "/@example.org/"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let entry = listener.local_addr().unwrap();
            let heard = tokio::spawn(answer_once(
                listener,
                "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 2\r\n\r\nhi",
            ));
            let uri = uri("blog.ada.localhost", entry.port(), path).unwrap();
            let ended = send(client(entry), uri, Instant::now()).await;
            assert!(matches!(ended, Ended::Answered { status: 302, .. }), "{ended:?}: redirects are not followed");
            let heard = heard.await.unwrap();
            assert!(heard.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{heard}");
            assert!(heard.to_lowercase().contains(&format!("host: blog.ada.localhost:{}", entry.port())), "{heard}");
        }
    }

    #[tokio::test]
    async fn what_went_wrong_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let entry = listener.local_addr().unwrap();
        let address = uri("a.localhost", entry.port(), "/").unwrap();
        let serving = tokio::spawn(answer_once(listener, ""));
        let ended = send(client(entry), address.clone(), Instant::now()).await;
        assert_eq!(ended, Ended::Failed("the connection was closed without an answer"));
        serving.await.unwrap();
        assert_eq!(
            send(client(entry), address, Instant::now()).await,
            Ended::Failed("the entry refused the connection")
        );
    }
}
