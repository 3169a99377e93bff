//! Ten times as many services and instances in the simulated cloud: what a full pass, memory and the database cost.

use crate::{
    database::{ask, transactions},
    figures::Line,
    footprint::Footprint,
    school::Pretended,
    table::say,
};
use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};

/// Services of the smaller and the larger load; each has 5 instances: proxy and web, three php, the sessions.
const SMALL: usize = 200;
const LARGE: usize = 2_000;
const PHP: u32 = 3;
/// At rest, for so long is measured: the pause between two looks at a settled service, and a half.
const REST: Duration = Duration::from_secs(90);

struct Figures {
    instances: f64,
    pass_seconds: f64,
    resident_mib: f64,
    cpu_percent: f64,
    transactions: f64,
}

pub async fn measure() -> Result<Vec<Line>> {
    let mut school = Pretended::open("bench-many").await?;
    let empty = Footprint::of(school.home.director_id().context("the director runs")?)?.resident_mib;
    school.grow(SMALL, PHP).await?;
    let small = figures(&school).await?;
    school.grow(LARGE, PHP).await?;
    let large = figures(&school).await?;
    let times = large.instances / small.instances;
    let line = |key: &str, what: &str, of: &dyn Fn(&Figures) -> f64, unit: &str| {
        let (few, many) = (of(&small), of(&large));
        let growth = many / few.max(0.001);
        Line {
            key: format!("many.{key}"),
            what: format!("{what}, {:.0} simulated instances in {LARGE} services", large.instances),
            ours: format!("{many:.1} {unit}"),
            theirs: format!("{few:.1} {unit} ({:.0} in {SMALL})", small.instances),
            result: format!("{growth:.1} × for {times:.1} × as many"),
            goal: "no faster than linearly".to_owned(),
            // Figures at rest scatter by some percent from minute to minute.
            met: growth <= times * 1.1,
        }
    };
    Ok(vec![
        line("pass", "a full pass over all services", &|figures| figures.pass_seconds, "s"),
        line(
            "memory",
            "memory of the director beyond that of an empty one",
            &|figures| figures.resident_mib - empty,
            "MiB",
        ),
        line("database", "transactions per second at rest", &|figures| figures.transactions, "/s"),
        line("processor", "processor of the director at rest", &|figures| figures.cpu_percent, "% of a core"),
    ])
}

async fn figures(school: &Pretended) -> Result<Figures> {
    let url = school.home.database_url();
    let director = school.home.director_id().context("the director runs")?;
    let instances = ask(url, "select count(*) from instances").await?;
    // Starts leave looks behind that come a little later.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let (began, process, before) = (Instant::now(), Footprint::of(director)?, transactions(url).await?);
    tokio::time::sleep(REST).await;
    let (after, ended) = (Footprint::of(director)?, transactions(url).await?);
    let pass_seconds = pass(url).await?;
    let figures = Figures {
        instances,
        pass_seconds,
        resident_mib: after.resident_mib,
        cpu_percent: after.percent_since(&process, began.elapsed()),
        transactions: (ended - before) / REST.as_secs_f64(),
    };
    say(&format!(
        "  {instances:.0} instances: a full pass {pass_seconds:.1} s, {:.0} MiB, {:.1} % of a core, {:.0} transactions/s",
        figures.resident_mib, figures.cpu_percent, figures.transactions
    ));
    Ok(figures)
}

/// Wakes every service and waits until each has been looked at: a look begins with renewing the service's lease.
async fn pass(url: &str) -> Result<f64> {
    let began = Instant::now();
    let now = ask(url, "select extract(epoch from clock_timestamp())").await?;
    ask(url, "select count(pg_notify('aerie_wake', 'service ' || id)::text) from services").await?;
    let left = format!(
        "select count(*) from services s left join service_leases l on l.service_id = s.id \
         where s.desired = 'running' and coalesce(l.expires_at, '-infinity') < to_timestamp({now}) + interval '15 seconds'"
    );
    while began.elapsed() < Duration::from_secs(120) {
        if ask(url, &left).await? < 0.5 {
            return Ok(began.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("not all services were looked at within two minutes")
}
