//! The director with fifty services in the simulated cloud: at rest, and asked for its page.

use crate::{
    client::{Page, open_loop},
    figures::{Line, percentile},
    footprint::Footprint,
    school::Pretended,
};
use aerie_tests::Installation;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

const SERVICES: usize = 50;

pub async fn measure_idle() -> Result<Vec<Line>> {
    let school = fifty("bench-idle").await?;
    let director = school.home.director_id().context("the director runs")?;
    // What the starts have left to do is done by then.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (began, before) = (Instant::now(), Footprint::of(director)?);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let after = Footprint::of(director)?;
    let percent = after.percent_since(&before, began.elapsed());
    let resident = after.resident_mib;
    let ours = format!("{resident:.0} MiB, {percent:.1} % of a core");
    Ok(vec![Line {
        key: "idle".to_owned(),
        what: "director at rest with 50 services (simulated cloud): resident memory, processor".to_owned(),
        result: ours.clone(),
        ours,
        theirs: "–".to_owned(),
        goal: "< 80 MB, < 1 %".to_owned(),
        met: resident * 1.048_576 < 80.0 && percent < 1.0,
    }])
}

pub async fn measure_page() -> Result<Vec<Line>> {
    let school = fifty("bench-dash").await?;
    let cookie = log_in(&school.home).await?;
    let host = format!("localhost:{}", school.home.web_port);
    let page = Page::local(school.home.web_port, &host, "/applications").with("Cookie", &cookie);
    let warm = open_loop(&page, 20, Duration::from_secs(2)).await;
    ensure!(warm.lost.is_empty(), "the page does not answer: {:?}", warm.lost.first());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let load = open_loop(&page, 100, Duration::from_secs(20)).await;
    ensure!(load.lost.is_empty(), "{} requests lost: {:?}", load.lost.len(), load.lost.first());
    let (p50, p99) = (percentile(&load.good, 50.0), percentile(&load.good, 99.0));
    Ok(vec![Line {
        key: "dashboard".to_owned(),
        what: "dashboard with 50 services, rendered for a signed-in user, 100 requests/s".to_owned(),
        ours: format!("p50 {p50:.1} ms, p99 {p99:.1} ms"),
        theirs: "–".to_owned(),
        result: format!("p99 {p99:.1} ms"),
        goal: "p99 < 50 ms".to_owned(),
        met: p99 < 50.0,
    }])
}

async fn fifty(name: &str) -> Result<Pretended> {
    let mut school = Pretended::open(name).await?;
    school.grow(SERVICES, 1).await?;
    Ok(school)
}

/// The session cookie of the user, as a browser gets it from the form.
pub(super) async fn log_in(home: &Installation) -> Result<String> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let form = [("user_name", "ada"), ("password", aerie_tests::PASSWORD), ("next", "")];
    let request = client.post(format!("{}/fn/log_in", home.url())).header("Origin", home.url());
    let answer = request.header("Accept", "text/html").form(&form).send().await?;
    let status = answer.status();
    let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok());
    let cookie = cookie.with_context(|| format!("no cookie after logging in: {status}"))?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}
