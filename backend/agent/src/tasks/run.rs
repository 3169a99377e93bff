//! One task, from its start to its end.

use super::flows::Flows;
use crate::{
    blobs::Blobs,
    host::{Host, program},
    job::{self, DRAIN},
    reap::Tracked,
    tail::Tail,
};
use aerie_agent_protocol::{TaskProgress, TaskSpec};
use rustix::process::Signal;
use std::{
    collections::BTreeMap,
    future::pending,
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

/// Lines and characters of output that are told of a task that did not end well. The log has the rest.
const KEPT: (usize, usize) = (5, 400);
/// How long a killed task may take to be gone when the instance ends.
pub(super) const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// How long the director may take to keep what a task wrote, once that has ended. Longer: a director that hangs holds up the
/// news; shorter: a busy disk breaks backups.
const KEEPING: Duration = Duration::from_secs(60);

/// What a task is told; only ever more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    GoOn,
    Term,
    Kill,
}

impl Order {
    /// Becomes `order` unless it is that much already; true if it did.
    pub(super) fn raise(&mut self, order: Self) -> bool {
        let raises = order > *self;
        *self = order.max(*self);
        raises
    }
}

/// How it came to an end.
enum End {
    ByItself(io::Result<ExitStatus>),
    Late,
    /// What goes in or out of it did not arrive.
    Broken(String),
}

/// Runs it to its end. Dropping the future kills it and its group.
pub(super) async fn run(
    host: &Host,
    blobs: &dyn Blobs,
    spec: &TaskSpec,
    environment: &BTreeMap<String, String>,
    mut orders: watch::Receiver<Order>,
) -> TaskProgress {
    let ended = |code, message: String| TaskProgress::Ended { code, message };
    let Some(mut command) = program(&spec.command, environment) else {
        return ended(None, "names no program".to_owned());
    };
    if spec.input {
        command.stdin(Stdio::piped());
    }
    // Dropped after the child, which is killed then: a script must not see the end of an input that breaks off.
    let mut flows = Flows::default();
    let mut child = match host.children.spawn(&mut command) {
        Ok(child) => child,
        Err(error) => return ended(None, format!("cannot be started ({}): {error}", spec.command[0])),
    };
    let tail = Tail::new(KEPT.0, KEPT.1);
    flows.start(host, blobs, spec, &mut child, &tail);
    let mut end = wait(&mut child, &mut flows, spec, &mut orders).await;
    child.kill_group();
    if !matches!(end, End::ByItself(_)) {
        // Killed: collecting it is a matter of moments, and one that cannot die must not hold us up.
        let _ = tokio::time::timeout(DRAIN, child.wait()).await;
    }
    if matches!(&end, End::ByItself(Ok(status)) if status.success()) {
        match tokio::time::timeout(KEEPING, flows.arrived()).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => end = End::Broken(why),
            Err(_) => end = End::Broken("what it wrote was not kept in time".to_owned()),
        }
    }
    flows.blobs.abort_all();
    let _ = tokio::time::timeout(DRAIN, async { while flows.lines.join_next().await.is_some() {} }).await;
    let (code, how) = match end {
        End::ByItself(Ok(status)) => {
            let cause = if status.success() { "" } else { job::likely_cause(status) };
            (status.code(), job::ended_with(status) + cause)
        }
        End::ByItself(Err(error)) => (None, format!("was lost: {error}")),
        End::Late => (None, format!("took longer than {} s and was ended", spec.timeout_s)),
        End::Broken(why) => (None, why),
    };
    let last = tail.text();
    let message = if code == Some(0) || last.is_empty() { how } else { format!("{how}:\n{last}") };
    ended(code, message)
}

/// Waits for the end and passes orders on to the whole group.
async fn wait(child: &mut Tracked, flows: &mut Flows, spec: &TaskSpec, orders: &mut watch::Receiver<Order>) -> End {
    let late = async {
        match spec.timeout_s {
            0 => pending().await,
            seconds => sleep(Duration::from_secs(seconds.into())).await,
        }
    };
    tokio::pin!(late);
    loop {
        // All branches are cancel-safe: an exit status stays where it is, a flow in its set, an order stays marked, and time
        // goes on.
        tokio::select! {
            biased;
            status = child.wait() => return End::ByItself(status),
            Ok(()) = orders.changed() => match *orders.borrow_and_update() {
                Order::GoOn => {}
                Order::Term => {
                    // It has just ended otherwise; that is the next event.
                    let _ = child.signal_group(Signal::TERM);
                }
                Order::Kill => child.kill_group(),
            },
            broken = flows.broken() => {
                // Before it goes, and with it what keeps the script's input open.
                child.kill_group();
                return End::Broken(broken.why);
            }
            () = &mut late => return End::Late,
        }
    }
}
