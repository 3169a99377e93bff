//! Keeps one websocket to the director, for ever. Nothing else in the agent notices whether it is there.

mod doors;
mod session;

pub(crate) use doors::Doors;

use crate::{
    apply::Targets,
    backoff::{Backoff, jittered},
    host::Host,
    usage::Meter,
};
use aerie_agent_protocol::{DIRECTOR_TLS_NAME, Usage};
use rustls_pki_types::ServerName;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{WebSocketStream, tungstenite};

/// First and longest delay before the director is called again. Larger: agents are back later after a restart of the
/// director; smaller: a director that comes up is busy with agents that call too early.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Why the director wants no more of this agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dismissal {
    /// The instance is about to be removed.
    Shutdown,
    /// The instance is not known.
    Refused(String),
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("there is no connection: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the websocket failed: {0}")]
    Websocket(#[from] tungstenite::Error),
    #[error("no answer in time")]
    Silent,
    #[error("the director closed the connection")]
    Closed,
    #[error("a message cannot be written: {0}")]
    Message(#[from] serde_json::Error),
}

/// Calls a director.
pub(crate) struct Connection {
    /// Addresses of the agent listeners.
    pub(crate) doors: Arc<Doors>,
    /// Who we are and whom we trust.
    pub(crate) tls: Arc<rustls::ClientConfig>,
    /// Whose report is sent.
    pub(crate) host: Host,
    /// Takes configurations.
    pub(crate) targets: Arc<Targets>,
    /// What the instance uses. Lives longer than a session, so that the time without a director is told afterwards.
    pub(crate) meter: Mutex<Meter>,
}

impl Connection {
    /// Calls, talks and calls again until the director says that it is over. Dropping the future hangs up.
    pub(crate) async fn run(&self) -> Dismissal {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        let mut last_problem = String::new();
        loop {
            let door = self.doors.current();
            let lost = match self.call(door, &mut backoff, &mut last_problem).await {
                Ok(dismissal) => return dismissal,
                Err(lost) => lost.to_string(),
            };
            self.doors.give_up_on(door);
            if lost != last_problem {
                self.host.output.error(format!("the director cannot be reached, trying again: {lost}"));
                last_problem = lost;
            }
            tokio::time::sleep(jittered(backoff.delay())).await;
        }
    }

    async fn call(
        &self,
        door: SocketAddr,
        backoff: &mut Backoff,
        last_problem: &mut String,
    ) -> Result<Dismissal, Lost> {
        let dialled = tokio::time::timeout(self.doors.patience(), self.dial(door)).await;
        let socket = dialled.map_err(|_| Lost::Silent)??;
        self.host.output.info("connected to the director");
        last_problem.clear();
        // A director that hangs up on us at once is not one to call again at once.
        session::run(self, socket, || backoff.reset()).await
    }

    /// What was used and done since the last call.
    fn usage(&self) -> Option<Usage> {
        let usage = self.meter.lock().unwrap_or_else(PoisonError::into_inner).measure(Instant::now())?;
        Some(Usage { roles: self.host.loads.take(), figures: self.host.loads.figures_now(), ..usage })
    }

    async fn dial(&self, door: SocketAddr) -> Result<Socket, Lost> {
        let stream = TcpStream::connect(door).await?;
        // Reports are small and somebody waits for each.
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(DIRECTOR_TLS_NAME).map_err(std::io::Error::other)?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await?;
        let address = format!("wss://{DIRECTOR_TLS_NAME}:{}/agent", door.port());
        let (socket, _) = tokio_tungstenite::client_async(address, stream).await?;
        Ok(socket)
    }
}
