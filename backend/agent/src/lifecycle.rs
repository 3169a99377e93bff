//! From the start of the process to its end.

use crate::{
    apply::{Reconciler, Targets},
    blobs::DirectorBlobs,
    code::fetch::DirectorCode,
    connection::{Connection, Dismissal, Doors},
    host::Host,
    identity,
    load::Loads,
    output::{self, Output},
    reap::Children,
    report::Board,
    settings::Settings,
    tasks::Tasks,
    usage::{self, Meter},
};
use rustix::process::{DumpableBehavior, getpid, set_child_subreaper, set_dumpable_behavior};
use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// How long a refused agent stays before it exits. Larger: its container is there longer for nothing; smaller: an engine
/// that restarts containers keeps the director busy with refusals.
const AFTER_REFUSAL: Duration = Duration::from_secs(2);
/// How long a thread that writes log lines or unpacks stays when it has nothing to do. Shorter: a program that takes all
/// processes an instance may have keeps the agent from starting one, and its lines are lost for good.
const KEEP_THREADS: Duration = Duration::from_secs(365 * 86_400);
/// How long the last log lines may take.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Exit code after a signal: the engine's restart policy brings such a container back once the engine itself is back,
/// while one that the director ended (0) stays down.
const SIGNALLED: u8 = 128 + 15;

/// Why the agent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The director wants the instance gone.
    Dismissed,
    /// The engine or an operator stops the container.
    Signalled,
}

/// The agent's whole life.
pub fn main() -> ExitCode {
    let result = protect_secrets().map_err(Into::into).and_then(|()| live());
    match result {
        Ok(End::Dismissed) => ExitCode::SUCCESS,
        Ok(End::Signalled) => ExitCode::from(SIGNALLED),
        Err(error) => {
            // There may be no writer (any more); the tag is the same.
            let _ = writeln!(io::stdout(), "agent|error|the agent cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Programs of the instance run as the same user. What is not dumpable belongs to root in `/proc`, so they can read
/// neither the agent's environment, which holds its key, nor its memory.
fn protect_secrets() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Process 1 inherits orphans anyway; anywhere else this makes it so.
    Ok(set_child_subreaper(Some(getpid()))?)
}

fn live() -> Result<End, Box<dyn Error>> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    // One thread: the agent waits most of the time, and each thread counts against the instance's limits.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().thread_keep_alive(KEEP_THREADS).build()?;
    let result = runtime.block_on(run(settings));
    // Not waiting for threads that unpack or write: the process ends, and all it left unfinished is recognised as such.
    runtime.shutdown_background();
    result
}

async fn run(settings: Settings) -> Result<End, Box<dyn Error>> {
    // First of all: process 1 does not even notice a signal that it has no handler for.
    let mut asked = Asked { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? };
    let (output, writer) = output::channel();
    let writing = AbortOnDropHandle::new(tokio::spawn(writer.run(io::stdout())));
    let result = supervise(settings, output, &mut asked).await;
    let _ = tokio::time::timeout(LAST_LINES, writing).await;
    result
}

async fn supervise(settings: Settings, output: Output, asked: &mut Asked) -> Result<End, Box<dyn Error>> {
    let tls = identity::tls(&settings.identity)?;
    let doors = Arc::new(Doors::new(settings.director));
    doors.learn(&settings.ports_beside);
    let source = DirectorCode::new(Arc::clone(&doors), tls.clone())?;
    let blobs = Arc::new(DirectorBlobs::new(Arc::clone(&doors), tls.clone())?);
    let host = Host {
        instance: settings.instance,
        children: Children::default(),
        output: output.clone(),
        board: Board::default(),
        loads: Loads::default(),
        cgroup: usage::CGROUP.into(),
        run_folder: settings.run_folder.clone(),
    };
    let targets = Arc::new(Targets::new(settings.instance));
    let _reaping = AbortOnDropHandle::new(tokio::spawn(host.children.clone().reap()));
    let stop = CancellationToken::new();
    let reconciler =
        Reconciler::new(host.clone(), &targets, settings.run_folder, settings.code_folder, Arc::new(source));
    let tasks = AbortOnDropHandle::new(tokio::spawn(Tasks::new(host.clone(), &targets, blobs).run(stop.clone())));
    let mut reconciling = AbortOnDropHandle::new(tokio::spawn(reconciler.run(stop.clone())));
    // Who reaches the director by the loopback shares the host's network with it, and with it the host's counters.
    let network = (!settings.director.ip().is_loopback()).then(|| Path::new(usage::NET_DEV));
    let meter = Mutex::new(Meter::new(&host.cgroup, network, Instant::now()));
    let connection = Connection { doors, tls: Arc::new(tls), host, targets, meter };
    output.info(format!("the agent of instance {} is up", settings.instance));

    // All branches are cancel-safe: a dropped connection hangs up, a signal that came is why we leave, and the
    // reconciler's task goes on.
    let (end, refused) = tokio::select! {
        dismissal = connection.run() => match dismissal {
            Dismissal::Shutdown => {
                output.info("the director ends this instance");
                (End::Dismissed, false)
            }
            Dismissal::Refused(reason) => {
                output.error(format!("the director refuses this instance: {reason}"));
                (End::Dismissed, true)
            }
        },
        () = asked.wait() => {
            output.info("asked to stop");
            (End::Signalled, false)
        }
        ended = &mut reconciling => return Err(format!("the reconciler ended: {ended:?}").into()),
    };
    stop.cancel();
    // Both have their time to end at the same time.
    tasks.await?;
    reconciling.await?;
    if refused {
        // Both branches only wait.
        tokio::select! {
            () = tokio::time::sleep(AFTER_REFUSAL) => {}
            () = asked.wait() => {}
        }
    }
    output.info("everything is stopped");
    Ok(end)
}

/// The signals that ask the agent to stop.
struct Asked {
    term: Signal,
    int: Signal,
}

impl Asked {
    /// Waits for one of them. Cancel-safe.
    async fn wait(&mut self) {
        // `recv` is cancel-safe: a signal that came stays marked until it is taken.
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}
