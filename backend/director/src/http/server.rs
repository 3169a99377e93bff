//! Accepts connections and serves them until the process stops. Used for pages and API, and (over TLS) for agents.

use crate::lifecycle::Lifecycle;
use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::ServiceExt;

/// Open connections. Larger: more memory under attack; smaller: a class with several tabs each is refused. Each
/// connection is one file descriptor.
const MAX_CONNECTIONS: usize = 4_096;
/// Time for a request's head. Longer: idle connections of attackers stay.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause after the system refused a connection (out of file descriptors): trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Binds, with a message that says what to do when the port is taken.
pub async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{address} is already in use: another director or program listens there. Stop it or choose another with {option}."
        ),
        io::ErrorKind::AddrNotAvailable => anyhow::anyhow!("{address} is not an address of this machine ({option})."),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address} ({option})")),
    })
}

/// Accepts until the soft stop; every connection is a task of the process.
pub async fn accept<F, C>(listener: TcpListener, lifecycle: Lifecycle, connection: F)
where
    F: Fn(TcpStream, SocketAddr) -> C,
    C: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let soft = lifecycle.soft().clone();
    // Nothing is lost by dropping either wait: a connection that was not accepted stays in the system's queue.
    while let Some(Ok(slot)) = soft.run_until_cancelled(Arc::clone(&slots).acquire_owned()).await {
        match soft.run_until_cancelled(listener.accept()).await {
            Some(Ok((stream, peer))) => {
                // Events and log lines are small and shall not wait to be sent together with others.
                let _only_latency = stream.set_nodelay(true);
                let work = connection(stream, peer);
                lifecycle.spawn(async move {
                    work.await;
                    drop(slot);
                });
            }
            Some(Err(error)) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            None => return,
        }
    }
}

/// Serves one connection: finishes the running request at a soft stop, ends at a hard stop.
pub async fn serve_connection<I>(io: I, peer: SocketAddr, router: Router, lifecycle: Lifecycle)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |request: axum::http::Request<hyper::body::Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    // HTTP/1.1 alone: browsers speak HTTP/2 over TLS only, which is the business of whatever stands before us.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::pin!(connection);
    let mut stopping = false;
    loop {
        // Dropping the connection future is what a hard stop means; the other branches only wait.
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(error = %error, "a connection ended early");
                }
                return;
            }
            () = lifecycle.soft().cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = lifecycle.hard().cancelled() => return,
        }
    }
}

/// Serves pages and API.
pub async fn serve(listener: TcpListener, router: Router, lifecycle: Lifecycle) {
    let connections = lifecycle.clone();
    accept(listener, lifecycle, move |stream, peer| {
        serve_connection(stream, peer, router.clone(), connections.clone())
    })
    .await;
}
