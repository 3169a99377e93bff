//! `redis-benchmark` against a key-value store, and against the same Redis in a container of its own.

use crate::{
    beside::{Beside, Clients},
    by_hand::{docker, inspect},
    figures::{Line, median},
    school::Real,
};
use anyhow::{Result, bail};

const TURNS: usize = 3;

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    let store = Beside::start(real, "keyvalue").await?;
    let clients = Clients::open(real).await?;
    let password = store.password().await?;
    let bare =
        Bare::run(&inspect(&store.container("store").await?, "{{.Config.Image}}").await?, &clients.network).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        ours.push(rate(&clients, &format!("-h {} -a {password}", store.name)).await?);
        theirs.push(rate(&clients, &format!("-h {}", bare.name)).await?);
    }
    drop(bare);
    store.remove().await?;
    let (ours, theirs) = (median(&ours), median(&theirs));
    let ratio = ours / theirs;
    Ok(vec![Line {
        key: "keyvalue".to_owned(),
        what: "`redis-benchmark`, 50 clients, SET and GET: operations/s".to_owned(),
        ours: format!("{ours:.0}/s"),
        theirs: format!("{theirs:.0}/s (Redis of the same image and limits, also with a log of changes)"),
        result: format!("{ratio:.2} ×"),
        goal: "≥ 0.95 ×".to_owned(),
        met: ratio >= 0.95,
    }])
}

/// The mean of SET and GET.
async fn rate(clients: &Clients, to: &str) -> Result<f64> {
    let said = clients.run(&format!("redis-benchmark {to} -t set,get -n 150000 -c 50 --csv 2>/dev/null")).await?;
    let each: Vec<f64> =
        said.lines().filter_map(|line| line.split(',').nth(1)?.trim_matches('"').parse().ok()).collect();
    let [set, get] = each[..] else { bail!("redis-benchmark said {said}") };
    Ok(f64::midpoint(set, get))
}

/// Redis as people run it by hand; dropped, it is removed.
struct Bare {
    name: String,
}

impl Bare {
    async fn run(image: &str, network: &str) -> Result<Self> {
        let bare = Self { name: format!("aerie-bench-redis-{}", std::process::id()) };
        let start =
            ["run", "--detach", "--name", &bare.name, "--network", network, "--user", "1000:1000", "--volume", "/data"];
        let limits = ["--memory", "512m", "--memory-swap", "512m", "--cpu-period", "100000", "--cpu-quota", "100000"];
        let program = ["--entrypoint", "/usr/bin/redis-server", image, "--dir", "/data", "--protected-mode", "no"];
        let settings = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
        docker(&[&start[..], &limits, &program, &settings].concat()).await?;
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker").args(["rm", "--force", "--volumes", &self.name]).output();
    }
}
