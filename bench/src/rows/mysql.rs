//! A database: its start against `docker run` of the same image, and queries through the balancer against queries without.

use crate::{
    beside::{Beside, Clients},
    by_hand::{docker, inspect},
    figures::{Line, median, ms},
    school::Real,
    table,
};
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

const TURNS: usize = 3;
const LIMIT: Duration = Duration::from_secs(60);
/// What people read and write: point and range queries, updates, an insert and a delete per transaction.
const TEST: &str =
    "sysbench oltp_read_write --db-driver=mysql --mysql-user=app --mysql-db=app --tables=2 --table-size=10000";

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    let db = Beside::start(real, "mysql").await?;
    let clients = Clients::open(real).await?;
    let password = db.password().await?;
    let (start, rate) = (start(&db, &clients, &password).await?, rate(&db, &clients, &password).await?);
    let grown = grown(&db, &clients, &password).await?;
    db.remove().await?;
    Ok(vec![start, rate, grown])
}

async fn start(db: &Beside<'_>, clients: &Clients, password: &str) -> Result<Line> {
    let by_hand = ByHand::of(&db.container("mysql").await?, &clients.network).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let began = Instant::now();
        let host = by_hand.run().await?;
        let took = ms(clients.first_query(&host, 3307, password, LIMIT).await? - began);
        by_hand.remove().await?;
        // The first turn fills the volume.
        if turn > 0 {
            theirs.push(took);
        }
        db.ask("/stop").await?;
        let began = Instant::now();
        db.ask_only("/start").await?;
        let took = ms(clients.first_query(&db.name, 3306, password, LIMIT).await? - began);
        if turn > 0 {
            ours.push(took);
        }
        // Until it is done, so that the next stop is a stop of something that runs.
        db.ask("/start").await?;
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    let ratio = ours / theirs;
    Ok(Line {
        key: "mysql.start".to_owned(),
        what: "a database with its data on a volume: request → first query answered through its address".to_owned(),
        ours: format!("{ours:.0} ms"),
        theirs: format!("{theirs:.0} ms (`docker run` of the same image, settings, limits and data)"),
        result: format!("{ratio:.2} ×"),
        goal: "≤ 1.3 ×".to_owned(),
        met: ratio <= 1.3,
    })
}

async fn rate(db: &Beside<'_>, clients: &Clients, password: &str) -> Result<Line> {
    let address =
        inspect(&db.container("mysql").await?, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}").await?;
    let test = |host: &str, port: u16, end: &str| test(host, port, password, end);
    clients.run(&test(&db.name, 3306, "prepare")).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        for (host, port, into) in [(db.name.as_str(), 3306, &mut ours), (address.as_str(), 3307, &mut theirs)] {
            let said = clients.run(&test(host, port, "--time=10 run")).await?;
            into.push(per_second(&said).with_context(|| format!("sysbench said {said}"))?);
        }
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    let ratio = ours / theirs;
    Ok(Line {
        key: "mysql.rate".to_owned(),
        what: "`sysbench` oltp_read_write, 8 threads: queries/s through the balancer".to_owned(),
        ours: format!("{ours:.0}/s"),
        theirs: format!("{theirs:.0}/s (the same server, past the balancer)"),
        result: format!("{ratio:.2} ×"),
        goal: "≥ 0.85 ×".to_owned(),
        met: ratio >= 0.85,
    })
}

/// The same clients before and after the database was scaled from one server to three.
async fn grown(db: &Beside<'_>, clients: &Clients, password: &str) -> Result<Line> {
    // Deadlocks are what programs have to expect from several servers; sysbench counts them as ignored.
    let run = test(&db.name, 3306, password, "--mysql-ignore-errors=1213 --time=20 run");
    let one = Ran::of(clients.run(&run).await)?;
    db.scale("mysql", 3).await?;
    let three = Ran::of(clients.run(&run).await)?;
    db.scale("mysql", 1).await?;
    let back = Ran::of(clients.run(&run).await)?;
    let met = [&one, &three, &back].iter().all(|ran| ran.whole && ran.rate > 0.0);
    let deadlocks = format!("{}, {}, {}", one.deadlocks, three.deadlocks, back.deadlocks);
    let (one, three, back) = (one.rate, three.rate, back.rate);
    Ok(Line {
        key: "mysql.grown".to_owned(),
        what: "the same queries when the database was scaled to three servers, which all keep every row".to_owned(),
        ours: format!("{three:.0}/s; {back:.0}/s when it is one again"),
        theirs: format!("{one:.0}/s (one server, before)"),
        result: format!("{:.2} ×; deadlocks {deadlocks}", three / one),
        goal: "nothing fails but deadlocks".to_owned(),
        met,
    })
}

/// What a run of sysbench came to.
#[derive(Debug)]
struct Ran {
    /// Queries per second.
    rate: f64,
    deadlocks: u64,
    /// It came to its end: at any other error it stops.
    whole: bool,
}

impl Ran {
    fn of(said: Result<String>) -> Result<Self> {
        let said = match said {
            Ok(said) => said,
            Err(error) => {
                table::say(&format!("sysbench stopped: {error:#}"));
                return Ok(Self { rate: 0.0, deadlocks: 0, whole: false });
            }
        };
        let unclear = || format!("sysbench said {said}");
        let rate = per_second(&said).with_context(unclear)?;
        let deadlocks = counted(&said, "ignored errors:").with_context(unclear)?;
        Ok(Self { rate, deadlocks, whole: true })
    }
}

fn test(host: &str, port: u16, password: &str, end: &str) -> String {
    format!("{TEST} --mysql-host={host} --mysql-port={port} --mysql-password={password} --threads=8 {end}")
}

/// From "ignored errors: 12 (0.40 per sec.)".
fn counted(said: &str, what: &str) -> Option<u64> {
    said.split(what).nth(1)?.split_whitespace().next()?.parse().ok()
}

/// From "queries: 12345 (1234.50 per sec.)".
fn per_second(said: &str) -> Option<f64> {
    said.split("queries:").nth(1)?.split('(').nth(1)?.split(' ').next()?.parse().ok()
}

/// The same database server without Aerie.
struct ByHand {
    image: String,
    network: String,
    folder: tempfile::TempDir,
    name: String,
}

impl ByHand {
    async fn of(container: &str, network: &str) -> Result<Self> {
        let image = inspect(container, "{{.Config.Image}}").await?;
        let folder = tempfile::Builder::new().prefix("aerie-bench-").tempdir_in("/var/tmp")?;
        let script = format!(
            "docker exec {container} tar -C /run/aerie --exclude=*.sock --exclude=*.pid -cf - mysql | tar -C {0} -xf - && chmod -R a+rX {0}",
            folder.path().display()
        );
        let copied = tokio::process::Command::new("sh").args(["-c", &script]).status().await?;
        ensure!(copied.success(), "{container} could not be copied");
        let name = format!("aerie-bench-mysql-{}", std::process::id());
        docker(&["volume", "create", &name]).await?;
        Ok(Self { image, network: network.to_owned(), folder, name })
    }

    /// Starts it; gives its address.
    async fn run(&self) -> Result<String> {
        let (seed, data) = (format!("{}:/seed:ro", self.folder.path().display()), format!("{}:/data", self.name));
        let script = "cp -r /seed/. /run/aerie/ && /usr/lib/aerie/init 0 && exec mariadbd \
            --defaults-file=/run/aerie/mysql/my.cnf --wsrep-new-cluster --wsrep-cluster-address=gcomm://";
        let limits = ["--memory", "512m", "--memory-swap", "512m", "--cpu-period", "100000", "--cpu-quota", "100000"];
        let hardened = ["--user", "1000:1000", "--read-only", "--cap-drop", "ALL", "--pids-limit", "512"];
        let tmpfs =
            ["--tmpfs", "/run/aerie:uid=1000,gid=1000,mode=0755", "--tmpfs", "/tmp:uid=1000,gid=1000,mode=0755"];
        let start =
            ["run", "--detach", "--name", &self.name, "--network", &self.network, "--volume", &seed, "--volume", &data];
        let program = ["--entrypoint", "/bin/sh", &self.image, "-c", script];
        docker(&[&start[..], &limits, &hardened, &tmpfs, &program].concat()).await?;
        Ok(self.name.clone())
    }

    async fn remove(&self) -> Result<()> {
        docker(&["stop", "--time", "60", &self.name]).await?;
        docker(&["rm", "--force", &self.name]).await.map(drop)
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let script = format!("docker rm -f {0}; docker volume rm {0}", self.name);
        let _ = std::process::Command::new("sh").args(["-c", &script]).output();
    }
}

#[cfg(test)]
mod tests {
    use super::Ran;
    use anyhow::{Result, anyhow};

    #[test]
    fn rate_and_deadlocks_are_found_and_a_run_that_stopped_is_not_whole() -> Result<()> {
        let said = "SQL statistics:\n    queries:                             12345  (1234.50 per sec.)\n    \
                    ignored errors:                      12     (0.40 per sec.)\n";
        let ran = Ran::of(Ok(said.to_owned()))?;
        assert!((ran.rate - 1234.5).abs() < 1e-9 && ran.deadlocks == 12 && ran.whole, "{ran:?}");
        let stopped = Ran::of(Err(anyhow!("FATAL: Lost connection to MySQL server during query")))?;
        assert!(!stopped.whole, "{stopped:?}");
        assert!(Ran::of(Ok("nothing that it says".to_owned())).is_err());
        Ok(())
    }
}
