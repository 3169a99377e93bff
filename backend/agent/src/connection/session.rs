//! One connection's worth of conversation.

use super::{Connection, Dismissal, Lost, Socket};
use crate::apply::Offer;
use aerie_agent_protocol::{FromAgent, InstanceReport, PROTOCOL_VERSION, ToAgent};
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use tokio_tungstenite::tungstenite::Message;

/// Least time between two reports. Larger: the director acts later; smaller: a busy start sends more of them.
const BETWEEN_REPORTS: Duration = Duration::from_millis(20);
/// A report as a sign of life; the protocol says so.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Time between usage messages; the protocol says so.
const USAGE: Duration = Duration::from_secs(2);
/// Time between pings. A director that does not answer them is left after [`Doors::patience`](super::Doors::patience).
const PING: Duration = Duration::from_secs(2);
/// How long one message may take to leave.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

enum Event {
    Frame(Option<Result<Message, tokio_tungstenite::tungstenite::Error>>),
    Changed,
    ReportDue,
    SignOfLife,
    Usage,
    Ping,
}

/// Talks until the connection is lost or the director dismisses the agent. `useful` is called once the director has
/// said something.
pub(super) async fn run(
    connection: &Connection,
    mut socket: Socket,
    mut useful: impl FnMut(),
) -> Result<Dismissal, Lost> {
    let host = &connection.host;
    let mut board = host.board.subscribe();
    board.mark_unchanged();
    let generation = host.board.now().applied;
    send(&mut socket, &FromAgent::Hello { protocol: PROTOCOL_VERSION, instance: host.instance, generation }).await?;

    let [mut usage, mut ping, mut sign_of_life] = [USAGE, PING, SIGN_OF_LIFE].map(ticker);
    let mut reports = Reports { sent: None, sent_at: None, due: Some(Instant::now()) };
    let mut heard = Instant::now();
    loop {
        let due = reports.due;
        let report_due = async {
            match due {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        // All branches are cancel-safe: `next` keeps half a frame in the socket, the board keeps its mark, and timers
        // only wait. Sending happens outside.
        let event = tokio::select! {
            frame = socket.next() => Event::Frame(frame),
            Ok(()) = board.changed() => Event::Changed,
            () = report_due => Event::ReportDue,
            _ = sign_of_life.tick() => Event::SignOfLife,
            _ = usage.tick() => Event::Usage,
            _ = ping.tick() => Event::Ping,
        };
        match event {
            Event::Frame(frame) => {
                heard = Instant::now();
                if let Some(dismissal) = receive(connection, frame, &mut useful)? {
                    return Ok(dismissal);
                }
            }
            Event::Changed => reports.changed(Instant::now()),
            Event::ReportDue => {
                if let Some(report) = reports.take(host.board.now().report(), false, Instant::now()) {
                    send(&mut socket, &FromAgent::Report(Box::new(report))).await?;
                }
            }
            Event::SignOfLife => {
                if let Some(report) = reports.take(host.board.now().report(), true, Instant::now()) {
                    send(&mut socket, &FromAgent::Report(Box::new(report))).await?;
                }
            }
            Event::Usage => {
                if let Some(usage) = connection.usage() {
                    send(&mut socket, &FromAgent::Usage(usage)).await?;
                }
            }
            Event::Ping if heard.elapsed() > connection.doors.patience() => return Err(Lost::Silent),
            Event::Ping => within(socket.send(Message::Ping(Vec::new().into()))).await?,
        }
    }
}

fn ticker(period: Duration) -> tokio::time::Interval {
    let mut ticker = interval(period);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick of an interval comes at once; nothing is due yet.
    ticker.reset();
    ticker
}

/// Takes a frame in. Frames that are not understood are logged and skipped: a newer director may say more.
fn receive(
    connection: &Connection,
    frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    useful: &mut impl FnMut(),
) -> Result<Option<Dismissal>, Lost> {
    let output = &connection.host.output;
    let text = match frame.ok_or(Lost::Closed)?? {
        Message::Text(text) => text,
        Message::Close(_) => return Err(Lost::Closed),
        _ => return Ok(None),
    };
    useful();
    match serde_json::from_str::<ToAgent>(&text) {
        Ok(ToAgent::Configure(config)) => {
            let generation = config.generation;
            match connection.targets.offer(*config) {
                Offer::Taken => output.info(format!("configuration {generation} is the new target")),
                Offer::Known => {}
                Offer::Old => output.info(format!("configuration {generation} is ignored: there is a newer one")),
                Offer::Conflict => {
                    output.error(format!(
                        "configuration {generation} is ignored: it differs from the one of that number"
                    ));
                }
                Offer::Foreign => output.error(format!("configuration {generation} is for another instance")),
            }
            Ok(None)
        }
        Ok(ToAgent::Directors { ports }) => {
            connection.doors.learn(&ports);
            Ok(None)
        }
        Ok(ToAgent::Shutdown) => Ok(Some(Dismissal::Shutdown)),
        Ok(ToAgent::Refused { reason }) => Ok(Some(Dismissal::Refused(reason))),
        Err(error) => {
            output.error(format!("a message of the director is not understood: {error}"));
            Ok(None)
        }
    }
}

async fn send(socket: &mut Socket, message: &FromAgent) -> Result<(), Lost> {
    let text = serde_json::to_string(message)?;
    within(socket.send(Message::Text(text.into()))).await
}

async fn within(sending: impl Future<Output = Result<(), tokio_tungstenite::tungstenite::Error>>) -> Result<(), Lost> {
    Ok(tokio::time::timeout(SEND_TIMEOUT, sending).await.map_err(|_| Lost::Silent)??)
}

/// Decides when a report goes out. Pure.
struct Reports {
    sent: Option<InstanceReport>,
    sent_at: Option<Instant>,
    due: Option<Instant>,
}

impl Reports {
    /// Something may have changed.
    fn changed(&mut self, now: Instant) {
        let earliest = self.sent_at.map_or(now, |at| now.max(at + BETWEEN_REPORTS));
        self.due.get_or_insert(earliest);
    }

    /// The report to send now: none if it says nothing new, unless `anyway`.
    fn take(&mut self, report: InstanceReport, anyway: bool, now: Instant) -> Option<InstanceReport> {
        self.due = None;
        if !anyway && self.sent.as_ref() == Some(&report) {
            return None;
        }
        self.sent_at = Some(now);
        self.sent = Some(report.clone());
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_come_fast_share_a_report() {
        let start = Instant::now();
        let mut reports = Reports { sent: None, sent_at: None, due: Some(start) };
        let report = |n: i64| InstanceReport { applied_generation: n, ..InstanceReport::default() };
        assert!(reports.take(report(1), false, start).is_some());
        assert_eq!(reports.due, None);
        reports.changed(start + Duration::from_millis(5));
        reports.changed(start + Duration::from_millis(6));
        assert_eq!(reports.due, Some(start + BETWEEN_REPORTS));
        assert!(reports.take(report(1), false, start + BETWEEN_REPORTS).is_none(), "nothing new");
        assert!(reports.take(report(1), true, start + BETWEEN_REPORTS).is_some(), "a sign of life");
        let later = start + Duration::from_secs(9);
        reports.changed(later);
        assert_eq!(reports.due, Some(later), "at once when the last one is long ago");
    }
}
