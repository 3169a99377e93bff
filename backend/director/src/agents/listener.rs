//! The listener: TLS, who calls, and the routes.

use super::{Doors, SignsOfLife, code::code, connections::Connections, conversation, tasks};
use crate::{
    http::server,
    identity::{Authority, IdentityError, peer_instance, server_config},
    lifecycle::Lifecycle,
    load::LoadRecorder,
};
use aerie_domain::{DirectorId, InstanceId};
use aerie_store::{Listener, Store};
use aerie_usecases::UseCases;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, State, WebSocketUpgrade},
    response::Response,
    routing::{get, put},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Time for the handshake. Longer: strangers hold connections longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What the listener works with.
#[derive(Clone)]
pub struct AgentParts {
    /// Configurations, reports.
    pub store: Store,
    /// Who may fetch which code.
    pub usecases: UseCases,
    /// Tells of changed configurations.
    pub listener: Arc<Listener>,
    /// This process.
    pub director: DirectorId,
    /// How the process ends.
    pub lifecycle: Lifecycle,
    /// Adds up what agents tell of their load.
    pub loads: LoadRecorder,
    /// Reports that say nothing new.
    pub signs_of_life: SignsOfLife,
    /// Where all directors listen.
    pub doors: Doors,
}

#[derive(Clone)]
pub(super) struct AgentState {
    pub(super) parts: AgentParts,
    pub(super) connections: Connections,
}

/// The instance that the connection's certificate was issued for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) InstanceId);

/// The routes; every request carries its [`Peer`].
pub fn routes(parts: AgentParts) -> Router {
    Router::new()
        .route("/agent", get(agent))
        .route("/code/{digest}", get(code))
        .route("/tasks/{id}/input", get(tasks::input))
        .route("/tasks/{id}/output", put(tasks::output))
        // Backups have a limit of their own.
        .layer(DefaultBodyLimit::disable())
        .with_state(AgentState { parts, connections: Connections::default() })
}

async fn agent(
    State(state): State<AgentState>,
    Extension(Peer(instance)): Extension<Peer>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .max_message_size(super::MAX_FRAME_BYTES)
        .max_frame_size(super::MAX_FRAME_BYTES)
        // The upgrade runs the conversation; the process waits for it as for its own tasks.
        .on_upgrade(move |socket| state.parts.lifecycle.clone().track(conversation::hold(state, instance, socket)))
}

/// What makes TLS connections of plain ones.
pub fn acceptor(authority: &Authority) -> Result<TlsAcceptor, IdentityError> {
    Ok(TlsAcceptor::from(Arc::new(server_config(authority)?)))
}

/// Serves agents until the process stops.
pub async fn serve(listener: TcpListener, acceptor: TlsAcceptor, parts: AgentParts) {
    let lifecycle = parts.lifecycle.clone();
    let router = routes(parts);
    let connections = lifecycle.clone();
    server::accept(listener, lifecycle, move |stream, peer| {
        connection(acceptor.clone(), stream, peer, router.clone(), connections.clone())
    })
    .await;
}

async fn connection(acceptor: TlsAcceptor, stream: TcpStream, peer: SocketAddr, router: Router, lifecycle: Lifecycle) {
    let stream = match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::info!(peer = %peer, error = %error, "somebody without our certificate called the agent listener");
            return;
        }
        Err(_) => return,
    };
    let Some(instance) = peer_instance(stream.get_ref().1.peer_certificates()) else {
        tracing::warn!(peer = %peer, "a certificate of ours names no instance");
        return;
    };
    server::serve_connection(stream, peer, router.layer(Extension(Peer(instance))), lifecycle).await;
}
