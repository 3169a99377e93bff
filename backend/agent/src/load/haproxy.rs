//! HAProxy's own figures, from its statistics socket.
//!
//! `show stat` answers with a table of comma-separated values, one line per frontend, server and backend
//! (HAProxy 2.6, management guide, §9.1). After a reload the socket is the new worker's, which counts from zero.

use super::RoleLoad;
use aerie_agent_protocol::HaproxyStats;
use std::{io, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::{interval, timeout},
};

/// How often to ask. Longer: the queue looks calmer than it is.
const EVERY: Duration = Duration::from_secs(2);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest answer; a line has some 600 bytes. Larger: more memory for a moment.
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// What is read of the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Figures {
    requests: u64,
    client_errors: u64,
    errors: u64,
    sessions: u32,
    queue: u32,
}

/// Asks for ever; drop it with its process. With `gauges_only`, requests are counted elsewhere.
pub(crate) async fn watch(stats: HaproxyStats, run_folder: &Path, load: RoleLoad, gauges_only: bool) {
    let socket = run_folder.join(&stats.socket);
    let mut before = Figures::default();
    let mut ticks = interval(EVERY);
    loop {
        ticks.tick().await;
        // A process that starts or reloads does not answer; it will next time.
        let Ok(Ok(table)) = timeout(PATIENCE, ask(&socket)).await else { continue };
        let Some(now) = read(&table, &stats.frontends) else { continue };
        load.now(now.queue, now.sessions);
        if !gauges_only {
            let (requests, client_errors, errors) = since(&before, &now);
            load.requests(requests, client_errors, errors);
        }
        before = now;
    }
}

async fn ask(socket: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"show stat\n").await?;
    let mut table = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut table).await?;
    Ok(String::from_utf8_lossy(&table).into_owned())
}

/// What was added; a worker that counts from zero has added everything it has.
fn since(before: &Figures, now: &Figures) -> (u64, u64, u64) {
    if now.requests < before.requests {
        return (now.requests, now.client_errors, now.errors);
    }
    (
        now.requests - before.requests,
        now.client_errors.saturating_sub(before.client_errors),
        now.errors.saturating_sub(before.errors),
    )
}

/// Adds up the frontends that are named, and the queues of all backends.
fn read(table: &str, frontends: &[String]) -> Option<Figures> {
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next()?.strip_prefix("# ")?.split(',').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name);
    let (proxy, kind) = (column("pxname")?, column("svname")?);
    let [requests, client_errors, errors, sessions, queue] =
        ["req_tot", "hrsp_4xx", "hrsp_5xx", "scur", "qcur"].map(column);
    let mut figures = Figures::default();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: Option<usize>| at.and_then(|at| cells.get(at)?.parse::<u64>().ok()).unwrap_or(0);
        let small = |at: Option<usize>| u32::try_from(number(at)).unwrap_or(u32::MAX);
        match (cells.get(proxy), cells.get(kind)) {
            (Some(name), Some(&"FRONTEND")) if frontends.iter().any(|frontend| frontend == name) => {
                figures.requests += number(requests);
                figures.client_errors += number(client_errors);
                figures.errors += number(errors);
                figures.sessions = figures.sessions.saturating_add(small(sessions));
            }
            (_, Some(&"BACKEND")) => figures.queue = figures.queue.saturating_add(small(queue)),
            _ => {}
        }
    }
    Some(figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Loads;
    use tokio::net::UnixListener;

    const TABLE: &str = "# pxname,svname,qcur,scur,stot,hrsp_4xx,hrsp_5xx,req_tot,\n\
        visitors,FRONTEND,,3,40,2,1,100,\n\
        web,web-1,1,1,50,0,0,,\n\
        web,BACKEND,4,2,60,1,1,90,\n\
        ready,FRONTEND,,1,9,0,0,900,\n";

    #[test]
    fn the_named_frontends_count_and_all_queues() {
        let figures = read(TABLE, &["visitors".to_owned()]).unwrap();
        assert_eq!(figures, Figures { requests: 100, client_errors: 2, errors: 1, sessions: 3, queue: 4 });
        assert_eq!(read("Permission denied\n", &[]), None);
    }

    #[test]
    fn a_reload_begins_at_zero() {
        let figures = |requests, errors| Figures { requests, errors, ..Figures::default() };
        assert_eq!(since(&figures(100, 1), &figures(130, 2)), (30, 0, 1));
        assert_eq!(since(&figures(100, 5), &figures(20, 1)), (20, 0, 1));
    }

    #[tokio::test]
    async fn the_socket_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("stats.sock")).unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = [0; 10];
            stream.read_exact(&mut question).await.unwrap();
            assert_eq!(&question, b"show stat\n");
            stream.write_all(TABLE.as_bytes()).await.unwrap();
        });
        let loads = Loads::default();
        let stats = HaproxyStats { socket: "stats.sock".into(), frontends: vec!["visitors".into()] };
        let load = loads.of(&"proxy".parse().unwrap());
        let watching = watch(stats, folder.path(), load, false);
        tokio::select! {
            () = watching => {}
            () = async { serving.await.unwrap(); tokio::time::sleep(Duration::from_millis(200)).await } => {}
        }
        let usage = loads.take().remove(0);
        assert_eq!((usage.requests, usage.errors, usage.sessions, usage.queue), (100, 1, 3, 4));
    }
}
