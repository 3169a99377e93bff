//! The loop around one process: compare, act, wait for the next event.

use super::{
    Wanted,
    change::{Change, Reload, change},
    child::Process,
    health::Health,
};
use crate::{
    backoff::Backoff,
    host::Host,
    job::{self, Job},
    listening,
    probe::probe,
    signals,
    tail::last_characters,
    usage,
};
use aerie_agent_protocol::{ProbeKind, ProcessEnd, ReloadMethod};
use std::{
    io,
    ops::ControlFlow,
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::sleep_until};

/// First and longest delay before a process that ended, or whose check failed, is tried again. Larger: it is away
/// longer; smaller: one that can never run costs more processor time and log.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// Healthy for so long, a process has left its troubles behind: the delay starts over.
const STABLE: Duration = Duration::from_secs(30);
/// How long a check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a program that tells a process of new files may take. Longer: one that hangs holds up the signal that would
/// have worked; shorter: a busy machine reloads where telling would have done.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest message, in characters.
const LONGEST_MESSAGE: usize = 1500;
/// When a reload that the probe could see has had no effect, it is tried again after this time. A program may refuse a
/// reload for a passing reason (a name that does not resolve yet) and say so only in its log.
const RELOAD_AGAIN: Duration = Duration::from_secs(5);

/// Added to how a process ended.
const OUT_OF_MEMORY: &str = " because the instance ran out of memory: it has to do with less, or do less at once";

/// One process and everything known about it.
pub(super) struct Actor {
    host: Host,
    name: String,
    wanted: watch::Receiver<Option<Arc<Wanted>>>,
    running: Option<Running>,
    backoff: Backoff,
    retry_at: Option<Instant>,
    generation: i64,
    restarts: u32,
    ended_by_itself: bool,
    message: String,
    kills_before: u64,
    last_end: Option<ProcessEnd>,
}

struct Running {
    process: Process,
    health: Health,
    /// What it was started with or has been told since.
    loaded: Arc<Wanted>,
    /// It has shown no effect of its last reload for too long.
    reload_again: bool,
    /// What its last good probe said for the owner.
    note: String,
}

/// What the loop waits for.
enum Event {
    Wanted(bool),
    Ended(io::Result<ExitStatus>),
    Probed(Result<String, String>),
    Retry,
}

impl Actor {
    pub(super) fn new(host: Host, name: String, wanted: watch::Receiver<Option<Arc<Wanted>>>) -> Self {
        Self {
            kills_before: usage::out_of_memory_kills(&host.cgroup),
            host,
            name,
            wanted,
            running: None,
            backoff: Backoff::new(RETRY.0, RETRY.1),
            retry_at: None,
            generation: 0,
            restarts: 0,
            ended_by_itself: false,
            message: String::new(),
            last_end: None,
        }
    }

    /// Runs until nothing is wanted any more; then the process has been stopped.
    pub(super) async fn run(mut self) {
        loop {
            let Some(wanted) = self.wanted.borrow_and_update().clone() else { break };
            if wanted.generation != self.generation {
                // A newer configuration may have cured what went wrong.
                self.generation = wanted.generation;
                self.retry_at = None;
            }
            if self.converge(&wanted).await.is_break() || self.next_event().await.is_break() {
                break;
            }
        }
        self.stop().await;
        self.publish();
    }

    /// Brings the process nearer to what is wanted, unless it is too early to try again.
    async fn converge(&mut self, wanted: &Arc<Wanted>) -> ControlFlow<()> {
        let needed = match &self.running {
            None => Change::Restart,
            Some(running) => match change(&running.loaded, wanted, running.health.ready()) {
                Change::Keep if running.reload_again => match &wanted.spec.reload {
                    ReloadMethod::Signal(name) | ReloadMethod::Exec { signal: name, .. } => {
                        Change::Reload(Reload::by_signal(name))
                    }
                    ReloadMethod::Restart | ReloadMethod::None => Change::Keep,
                },
                change => change,
            },
        };
        if needed == Change::Keep {
            self.adopt(wanted);
            self.attempted(wanted);
            return ControlFlow::Continue(());
        }
        if self.retry_at.is_some_and(|at| at > Instant::now()) {
            return ControlFlow::Continue(());
        }
        self.retry_at = None;
        // Not while an earlier reload is owed: the program might speak with what is about to be replaced. Not cut short by
        // a newer wish: it is quick, and what it changes by half would have to be changed again.
        let steady = self.running.as_ref().is_some_and(|running| !running.health.owed());
        if let Change::Reload(Reload { command, .. }) = &needed
            && steady
            && !command.is_empty()
            && self.tell(wanted, command).await
        {
            self.attempted(wanted);
            return ControlFlow::Continue(());
        }
        // Where nothing runs there is nothing to leave alone: a start says as much as a check and takes half the time.
        // All branches are cancel-safe: a check changes nothing and is killed when dropped, and a newer wish stays in
        // the channel.
        let unchecked = self.running.is_none();
        let checked = tokio::select! {
            biased;
            () = std::future::ready(()), if unchecked => Ok(()),
            changed = self.wanted.changed() => {
                if changed.is_err() {
                    return ControlFlow::Break(());
                }
                // Noticed, but not taken up yet: the next event is this one.
                self.wanted.mark_changed();
                return ControlFlow::Continue(());
            }
            checked = check(&self.host, wanted) => checked,
        };
        match (checked, needed) {
            (Err(problem), _) => self.trouble(&problem),
            (Ok(()), Change::Reload(reload)) => self.reload(wanted, &reload.signal),
            (Ok(()), _) => {
                self.stop().await;
                self.start(wanted);
            }
        }
        self.attempted(wanted);
        ControlFlow::Continue(())
    }

    /// Takes up a configuration that asks nothing of the running process.
    fn adopt(&mut self, wanted: &Arc<Wanted>) {
        if let Some(running) = &mut self.running
            && running.loaded != *wanted
        {
            // What it was healthy with says nothing about other files or another probe.
            if running.loaded.files != wanted.files || running.loaded.spec.health.kind != wanted.spec.health.kind {
                running.health.renew(Instant::now());
            }
            running.loaded = wanted.clone();
            if !running.health.owed() {
                // An earlier configuration's failed check is no longer in the way.
                self.message.clear();
            }
        }
        self.publish();
    }

    fn start(&mut self, wanted: &Arc<Wanted>) {
        match Process::start(&self.host, wanted) {
            Ok(process) => {
                self.host.output.info(format!("started {} (process {})", self.name, process.id()));
                if std::mem::take(&mut self.ended_by_itself) {
                    self.restarts += 1;
                }
                let health = Health::new(Instant::now());
                let (loaded, note) = (wanted.clone(), String::new());
                self.running = Some(Running { process, health, loaded, reload_again: false, note });
            }
            Err(error) => {
                let program = wanted.spec.command.first().map_or("", String::as_str);
                self.trouble(&format!("cannot be started ({program}): {error}"));
            }
        }
    }

    /// Lets a program tell the running process of its new files. False when it could not.
    async fn tell(&mut self, wanted: &Arc<Wanted>, command: &[String]) -> bool {
        let environment = &wanted.environment;
        let job = Job { command, environment, timeout: TELL_TIMEOUT, log: None, keep: LONGEST_MESSAGE };
        let done = job::run(&self.host, job).await;
        if !done.ok {
            self.host.output.info(format!("{} is reloaded, since telling it {}", self.name, done.message()));
            return false;
        }
        if let Some(running) = &mut self.running {
            running.health.renew_now(Instant::now());
            running.loaded = wanted.clone();
            running.reload_again = false;
        }
        true
    }

    fn reload(&mut self, wanted: &Arc<Wanted>, name: &str) {
        let Some(running) = &mut self.running else { return };
        let Some(signal) = signals::by_name(name) else {
            return self.trouble(&format!("cannot be reloaded: there is no signal {name}"));
        };
        match running.process.signal(signal) {
            Ok(()) => {
                self.host.output.info(format!("reloading {}", self.name));
                running.health.renew(Instant::now());
                running.loaded = wanted.clone();
                running.reload_again = false;
            }
            // It has just ended; that is the next event.
            Err(_) => self.retry_at = Some(Instant::now() + RETRY.0),
        }
    }

    async fn stop(&mut self) {
        let Some(Running { process, loaded, .. }) = self.running.take() else { return };
        self.publish();
        let timeout = Duration::from_secs(loaded.spec.stop_timeout_s.into());
        if process.stop(&loaded.spec.stop_signal, timeout).await {
            self.host.output.info(format!("stopped {}", self.name));
        } else {
            let limit = timeout.as_secs();
            self.host.output.error(format!("{} did not stop within {limit} s and was killed", self.name));
        }
    }

    /// Something failed; it is tried again later.
    fn trouble(&mut self, problem: &str) {
        let delay = self.backoff.delay();
        let message = shortened(problem);
        // Once is enough while every try fails in the same way.
        if message != self.message {
            self.host.output.error(format!("{} {message}", self.name));
        }
        self.message = message;
        self.retry_at = Some(Instant::now() + delay);
    }

    async fn next_event(&mut self) -> ControlFlow<()> {
        let retry_at = self.retry_at;
        let retry = async {
            match retry_at {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let running_event = async {
            match &mut self.running {
                // Both branches are cancel-safe: an exit status stays where it is, and a probe that is dropped is made
                // again because its time has not moved on.
                Some(Running { process, health, loaded, .. }) => tokio::select! {
                    biased;
                    status = process.wait() => Event::Ended(status),
                    result = next_probe(&self.host, health.next(), loaded) => Event::Probed(result),
                },
                None => std::future::pending().await,
            }
        };
        // All branches are cancel-safe: a wish stays in the channel, sleeping has no effect, the third as said above.
        let event = tokio::select! {
            biased;
            changed = self.wanted.changed() => Event::Wanted(changed.is_ok()),
            () = retry => Event::Retry,
            event = running_event => event,
        };
        match event {
            Event::Wanted(false) => return ControlFlow::Break(()),
            Event::Wanted(true) | Event::Retry => {}
            Event::Ended(status) => self.ended(status).await,
            Event::Probed(result) => self.probed(result),
        }
        ControlFlow::Continue(())
    }

    async fn ended(&mut self, status: io::Result<ExitStatus>) {
        let Some(Running { process, health, .. }) = self.running.take() else { return };
        if health.healthy_for(Instant::now()) >= STABLE {
            self.backoff.reset();
        }
        let kills = usage::out_of_memory_kills(&self.host.cgroup);
        let out_of_memory = std::mem::replace(&mut self.kills_before, kills) < kills;
        let mut end = ProcessEnd { out_of_memory, ..ProcessEnd::default() };
        let mut problem = match status {
            Ok(status) => {
                (end.code, end.signal) = (status.code(), status.signal().map(signals::name_of));
                let cause = if out_of_memory { OUT_OF_MEMORY } else { job::likely_cause(status) };
                job::ended_with(status) + cause
            }
            Err(error) => format!("was lost: {error}"),
        };
        let (last, lines) = process.bury().await;
        end.lines = lines;
        self.last_end = Some(end);
        if !last.is_empty() {
            problem = format!("{problem}:\n{last}");
        }
        self.ended_by_itself = true;
        self.trouble(&problem);
        self.publish();
    }

    fn probed(&mut self, result: Result<String, String>) {
        let Some(running) = &mut self.running else { return };
        let now = Instant::now();
        let loaded = running.loaded.clone();
        match result {
            Ok(note) => {
                running.note = note;
                running.health.passed(&loaded.spec.health, now);
                // With a retry under way, the message is about that.
                if self.retry_at.is_none() {
                    self.message.clear();
                }
                if running.health.healthy_for(now) >= STABLE && self.retry_at.is_none() {
                    self.backoff.reset();
                    self.last_end = None;
                }
            }
            Err(problem) => {
                if running.health.failed(&loaded.spec.health, now) && self.retry_at.is_none() {
                    self.message = shortened(&listening::explained(problem, &loaded.spec.health.kind));
                }
                let visible = matches!(&loaded.spec.health.kind, ProbeKind::Http { expect, .. } if !expect.is_empty())
                    || matches!(&loaded.spec.reload, ReloadMethod::Exec { .. });
                if visible && running.health.ready() && running.health.owed() {
                    running.reload_again = running.health.waiting_for(now) >= RELOAD_AGAIN;
                }
            }
        }
        self.publish();
    }

    /// A start or reload was tried for this configuration.
    fn attempted(&self, wanted: &Wanted) {
        self.host.board.process(&self.name, |entry| entry.attempted = wanted.generation);
        self.publish();
    }

    fn publish(&self) {
        let running = self.running.as_ref();
        let healthy = running.is_some_and(|running| running.health.healthy());
        let settled =
            running.filter(|running| healthy && !running.health.owed()).map(|running| running.loaded.generation);
        self.host.board.process(&self.name, |entry| {
            entry.report.healthy = healthy;
            entry.report.restarts = self.restarts;
            entry.report.message.clone_from(&self.message);
            entry.report.note = running.map(|running| running.note.clone()).unwrap_or_default();
            entry.report.last_end.clone_from(&self.last_end);
            entry.settled = settled.unwrap_or(entry.settled);
        });
    }
}

/// Waits until the next probe is due and makes it.
async fn next_probe(host: &Host, at: Instant, wanted: &Wanted) -> Result<String, String> {
    sleep_until(at.into()).await;
    probe(host, &wanted.spec.health, &wanted.environment).await
}

/// Runs the check of a process, if it has one.
async fn check(host: &Host, wanted: &Wanted) -> Result<(), String> {
    if wanted.spec.check.is_empty() {
        return Ok(());
    }
    let job = Job {
        command: &wanted.spec.check,
        environment: &wanted.environment,
        timeout: CHECK_TIMEOUT,
        log: None,
        keep: LONGEST_MESSAGE,
    };
    let done = job::run(host, job).await;
    if done.ok { Ok(()) } else { Err(format!("refuses its configuration: the check {}", done.message())) }
}

/// At most the longest message: its beginning says what happened, its end is the newest.
fn shortened(message: &str) -> String {
    if message.chars().count() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let head: String = message.chars().take(LONGEST_MESSAGE / 4).collect();
    format!("{head} … {}", last_characters(message, LONGEST_MESSAGE - LONGEST_MESSAGE / 4 - 3))
}
