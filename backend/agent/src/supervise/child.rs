//! A running process: its pipes, its end, its stopping.

use super::Wanted;
use crate::{
    host::{Host, program},
    job::DRAIN,
    load::{self, RequestMeter},
    output::lines::Sink,
    reap::Tracked,
    signals,
    tail::Tail,
};
use aerie_agent_protocol::ProcessEnd;
use rustix::process::Signal;
use std::{
    io,
    process::ExitStatus,
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time,
};
use tokio_util::task::AbortOnDropHandle;

/// Lines of standard error that a message may quote.
const KEPT_LINES: usize = 20;
/// Characters of them.
const KEPT_CHARACTERS: usize = 1400;
/// How long a killed process may take to be gone. One that hangs in the kernel longer is given up.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// A process that is so young may not have heard that it shall end: HAProxy's master passes the signal on to those workers that it
/// has by then, and goes on with the next.
const YOUNG: Duration = Duration::from_secs(5);
/// It is told once more after this time.
const TOLD_AGAIN: Duration = Duration::from_secs(1);

/// A process and the tasks that read its outputs.
pub(super) struct Process {
    child: Tracked,
    readers: JoinSet<()>,
    errors: Tail,
    /// Ask for figures about its work.
    _watchers: Vec<AbortOnDropHandle<()>>,
    lines: Tail,
    started: Instant,
}

impl Process {
    /// Starts it.
    pub(super) fn start(host: &Host, wanted: &Wanted) -> io::Result<Self> {
        let spec = &wanted.spec;
        let mut command = program(&spec.command, &wanted.environment).ok_or(io::ErrorKind::InvalidInput)?;
        let mut child = host.children.spawn(&mut command)?;
        let errors = Tail::new(KEPT_LINES, KEPT_CHARACTERS);
        let lines = Tail::new(ProcessEnd::LAST_LINES, ProcessEnd::LAST_CHARACTERS);
        let log = |stream: &str| Some((host.output.clone(), spec.role.to_string(), stream.to_owned()));
        let requests = |stream: &str| {
            let log = spec.metrics.requests.as_ref().filter(|log| log.stream == stream)?;
            Some(RequestMeter::new(log.clone(), host.loads.of(&spec.role)))
        };
        let mut readers = JoinSet::new();
        let (out, err) = child.outputs();
        if let Some(out) = out {
            let (log, requests) = (log(&spec.streams.out), requests(&spec.streams.out));
            readers.spawn(Sink { log, tails: vec![lines.clone()], requests }.pump(out));
        }
        if let Some(err) = err {
            let (log, requests) = (log(&spec.streams.err), requests(&spec.streams.err));
            readers.spawn(Sink { log, tails: vec![errors.clone(), lines.clone()], requests }.pump(err));
        }
        Ok(Self { child, readers, errors, lines, _watchers: watchers(host, wanted), started: Instant::now() })
    }

    /// Its process id.
    pub(super) fn id(&self) -> i32 {
        self.child.id()
    }

    /// Waits until it ends. Cancel-safe.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.child.signal(signal)
    }

    /// After it ended by itself: ends what it left behind and gives the last lines of its standard error, as one text, and
    /// of all its outputs.
    pub(super) async fn bury(mut self) -> (String, Vec<String>) {
        self.child.kill_group();
        self.drain().await;
        (self.errors.text(), self.lines.lines())
    }

    /// Asks it to end by `signal`; kills it and its group after `timeout`. True if it ended in time.
    pub(super) async fn stop(mut self, signal: &str, timeout: Duration) -> bool {
        // A wrong name must not keep it running.
        let signal = signals::by_name(signal).unwrap_or(Signal::TERM);
        let begun = Instant::now();
        let _ = self.child.signal(signal);
        let mut in_time = false;
        if self.started.elapsed() < YOUNG {
            in_time = time::timeout(TOLD_AGAIN.min(timeout), self.child.wait()).await.is_ok();
            if !in_time {
                let _ = self.child.signal(signal);
            }
        }
        if !in_time {
            in_time = time::timeout(timeout.saturating_sub(begun.elapsed()), self.child.wait()).await.is_ok();
        }
        self.child.kill_group();
        if !in_time {
            let _ = time::timeout(KILL_PATIENCE, self.child.wait()).await;
        }
        self.drain().await;
        in_time
    }

    /// Reads what is left in the pipes.
    async fn drain(&mut self) {
        let rest = async { while self.readers.join_next().await.is_some() {} };
        // Readers of pipes that somebody else holds open end with this.
        let _ = time::timeout(DRAIN, rest).await;
    }
}

/// What asks for figures about a process, as its kind declares.
fn watchers(host: &Host, wanted: &Wanted) -> Vec<AbortOnDropHandle<()>> {
    let spec = &wanted.spec;
    let mut watchers = Vec::new();
    let mut start = |watching: JoinHandle<()>| watchers.push(AbortOnDropHandle::new(watching));
    if let Some(stats) = spec.metrics.haproxy.clone() {
        let (load, run_folder) = (host.loads.of(&spec.role), host.run_folder.clone());
        let gauges_only = spec.metrics.requests.is_some();
        start(tokio::spawn(async move { load::watch(stats, &run_folder, load, gauges_only).await }));
    }
    if let Some(probe) = spec.metrics.figures.clone() {
        start(tokio::spawn(load::ask(host.clone(), spec.role.clone(), probe, wanted.environment.clone())));
    }
    watchers
}
