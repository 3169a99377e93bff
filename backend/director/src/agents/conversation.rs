//! One agent's websocket: configurations go out, reports come in.

use super::listener::AgentState;
use crate::errors::chain;
use aerie_agent_protocol::{FromAgent, InstanceReport, PROTOCOL_VERSION, ToAgent};
use aerie_domain::InstanceId;
use aerie_store::{ReportKept, Signal, StoreError};
use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use std::time::Duration;
use tokio::{
    sync::broadcast,
    time::{Instant, interval, sleep_until, timeout},
};

/// Time for the first frame. Longer: silent connections stay.
const HELLO: Duration = Duration::from_secs(10);
/// Pings, to notice a broken network: agents answer them without being asked to by the protocol.
const PING_EVERY: Duration = Duration::from_secs(5);
/// Nothing heard for so long: three pings went unanswered.
const DEAD_AFTER: Duration = Duration::from_secs(15);
/// Time to hand over one frame. Longer: a stuck agent holds its connection.
const SEND: Duration = Duration::from_secs(10);
/// Looks for a newer configuration without a signal: signals are hints. Longer: one that was lost is made up for later;
/// shorter: with many agents these looks are most of what the director does.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// After so long a report is written again although it says nothing new: a director that was thought dead gets its
/// agents' rows back this way. Longer: later; shorter: more statements.
const REPEAT_AFTER: Duration = Duration::from_secs(30);
/// Messages per window; an agent sends about one per second. More means that it is broken or not ours.
const MAX_MESSAGES: u32 = 200;
const WINDOW: Duration = Duration::from_secs(10);

/// Why a conversation ends.
enum Over {
    /// The agent went away, or a newer connection took over, or the process stops.
    Gone,
    /// The instance is told to go for good.
    Refused(&'static str),
}

/// Holds the conversation until either side ends it.
pub(super) async fn hold(state: AgentState, instance: InstanceId, mut socket: WebSocket) {
    let place = state.connections.take(instance);
    let over = match hello(&state, instance, &mut socket).await {
        Ok(generation) => {
            tracing::info!(instance.id = %instance, "agent connected");
            // Dropping the talk at any point is fine: what was reported is written, the agent reports again.
            let over = tokio::select! {
                over = talk(&state, instance, &mut socket, generation) => over,
                () = place.replaced() => Over::Gone,
                () = state.parts.lifecycle.soft().cancelled() => Over::Gone,
            };
            tracing::info!(instance.id = %instance, "agent disconnected");
            over
        }
        Err(over) => over,
    };
    if let Over::Refused(reason) = over {
        tracing::info!(instance.id = %instance, reason, "agent refused");
        // It may be gone already; then there is nobody to tell.
        let _ = send(&mut socket, &ToAgent::Refused { reason: reason.to_owned() }).await;
    }
    if place.is_current() {
        state.parts.loads.forget(instance);
        if let Err(error) = state.parts.store.instance_disconnected(instance, state.parts.director).await {
            tracing::warn!(instance.id = %instance, error = chain(&error), "a disconnected agent was not noted");
        }
    }
    // Says goodbye if the other side still listens.
    let _ = timeout(SEND, socket.send(Message::Close(None))).await;
}

/// The first frame. Returns the generation that the agent has applied.
async fn hello(state: &AgentState, instance: InstanceId, socket: &mut WebSocket) -> Result<i64, Over> {
    let first = timeout(HELLO, socket.recv()).await.ok().flatten().and_then(Result::ok).ok_or(Over::Gone)?;
    let generation = match read(&first) {
        Some(FromAgent::Hello { protocol, .. }) if protocol != PROTOCOL_VERSION => {
            return Err(Over::Refused("this agent speaks another version of the protocol than the director"));
        }
        Some(FromAgent::Hello { instance: named, .. }) if named != instance => {
            return Err(Over::Refused("the instance named is not the one that the certificate was issued for"));
        }
        Some(FromAgent::Hello { generation, .. }) => generation,
        _ => return Err(Over::Gone),
    };
    match state.parts.store.instance_connected(instance, state.parts.director).await {
        Ok(true) => Ok(generation),
        Ok(false) => Err(Over::Refused("this instance has been removed")),
        Err(error) => Err(failed(instance, &error)),
    }
}

async fn talk(state: &AgentState, instance: InstanceId, socket: &mut WebSocket, applied: i64) -> Over {
    let mut signals = state.parts.listener.subscribe();
    // What was sent on this connection. An agent that has applied a configuration knows it, but is sent it once more:
    // it ignores what is not newer, and after a restart of the agent's process its own word is all we have.
    let mut sent = None;
    tracing::debug!(instance.id = %instance, generation = applied, "agent says hello");
    let mut heard = Instant::now();
    // The report that is in the row, and since when.
    let mut known: Option<(Instant, Box<InstanceReport>)> = None;
    let (mut window, mut messages) = (Instant::now(), 0_u32);
    let mut ping = interval(PING_EVERY);
    let mut look_at = Instant::now();
    let mut doors = state.parts.doors.watch();
    loop {
        // `recv` of socket and signals, `tick` and `changed` are cancel-safe; the sleep is made anew from its deadline.
        let step = tokio::select! {
            frame = socket.recv() => {
                let Some(Ok(frame)) = frame else { return Over::Gone };
                heard = Instant::now();
                if heard - window > WINDOW {
                    (window, messages) = (heard, 0);
                }
                messages += 1;
                if messages > MAX_MESSAGES {
                    tracing::warn!(instance.id = %instance, "an agent sends too much and is cut off");
                    return Over::Gone;
                }
                match read(&frame) {
                    Some(FromAgent::Report(report))
                        if known.as_ref().is_some_and(|(at, last)| *last == report && heard - *at < REPEAT_AFTER) =>
                    {
                        state.parts.signs_of_life.note(instance);
                        Ok(())
                    }
                    Some(FromAgent::Report(report)) => match kept(state, instance, &report).await {
                        Ok(ReportKept::Yes) => {
                            known = Some((heard, report));
                            Ok(())
                        }
                        Ok(ReportKept::IsElsewhere) => Err(Over::Gone),
                        Ok(ReportKept::NoInstance) => Err(Over::Refused("this instance has been removed")),
                        Err(error) => Err(failed(instance, &error)),
                    },
                    Some(FromAgent::Usage(usage)) => {
                        state.parts.loads.note(instance, usage);
                        Ok(())
                    }
                    Some(FromAgent::Hello { .. }) => Ok(()),
                    None if matches!(frame, Message::Ping(_) | Message::Pong(_)) => Ok(()),
                    None => Err(Over::Gone),
                }
            }
            signal = signals.recv() => match signal {
                Ok(Signal::Config(changed)) if changed != instance => Ok(()),
                Ok(Signal::Events | Signal::Service(_)) => Ok(()),
                Ok(Signal::Config(_) | Signal::Resync) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    look_at = Instant::now();
                    Ok(())
                }
                Err(broadcast::error::RecvError::Closed) => Err(Over::Gone),
            },
            () = sleep_until(look_at) => {
                look_at = Instant::now() + LOOK_EVERY;
                configure(state, instance, socket, &mut sent).await
            }
            Ok(()) = doors.changed() => {
                let ports = doors.borrow_and_update().clone();
                if ports.is_empty() { Ok(()) } else { send(socket, &ToAgent::Directors { ports }).await }
            }
            _ = ping.tick() => {
                if heard.elapsed() > DEAD_AFTER {
                    Err(Over::Gone)
                } else {
                    deliver(socket, Message::Ping(Bytes::new())).await
                }
            }
        };
        if let Err(over) = step {
            return over;
        }
    }
}

async fn kept(state: &AgentState, instance: InstanceId, report: &InstanceReport) -> Result<ReportKept, StoreError> {
    state.parts.store.instance_report(instance, state.parts.director, report).await
}

/// Sends the configuration if it is newer than what was sent; refuses when the instance is gone.
async fn configure(
    state: &AgentState,
    instance: InstanceId,
    socket: &mut WebSocket,
    sent: &mut Option<i64>,
) -> Result<(), Over> {
    let store = &state.parts.store;
    match store.instance_config(instance).await {
        Ok(Some(config)) if sent.is_none_or(|sent| config.generation > sent) => {
            *sent = Some(config.generation);
            send(socket, &ToAgent::Configure(Box::new(config))).await
        }
        Ok(Some(_)) => Ok(()),
        Ok(None) => match store.instance_known(instance).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Over::Refused("this instance has been removed")),
            Err(error) => away(instance, &error),
        },
        Err(error) => away(instance, &error),
    }
}

/// The database is away: the agent goes on with what it has, and the next look tries again.
#[expect(clippy::unnecessary_wraps, reason = "an arm of a match over results")]
fn away(instance: InstanceId, error: &StoreError) -> Result<(), Over> {
    tracing::warn!(instance.id = %instance, error = chain(error), "a configuration could not be read");
    Ok(())
}

/// A report for a row that is gone means that the instance was removed; everything else is the database's trouble, and
/// the agent comes back.
fn failed(instance: InstanceId, error: &StoreError) -> Over {
    if matches!(error, StoreError::RowsAffected { .. }) {
        return Over::Refused("this instance has been removed");
    }
    tracing::warn!(instance.id = %instance, error = chain(error), "an agent's message could not be kept");
    Over::Gone
}

fn read(frame: &Message) -> Option<FromAgent> {
    match frame {
        Message::Text(text) => serde_json::from_str(text.as_str()).ok(),
        _ => None,
    }
}

async fn send(socket: &mut WebSocket, message: &ToAgent) -> Result<(), Over> {
    let text = serde_json::to_string(message).map_err(|_| Over::Gone)?;
    if text.len() > super::MAX_FRAME_BYTES {
        tracing::error!(bytes = text.len(), "a configuration is too large for a frame");
        return Err(Over::Gone);
    }
    deliver(socket, Message::Text(text.into())).await
}

async fn deliver(socket: &mut WebSocket, message: Message) -> Result<(), Over> {
    match timeout(SEND, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Over::Gone),
    }
}
