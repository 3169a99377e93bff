//! From the request until every instance serves the new version, with visitors all the time.

use crate::{
    client::{Connection, Page},
    figures::{Line, median, ms, percentile},
    school::Real,
};
use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const TURNS: usize = 7;
const VISITORS: usize = 6;

/// What visitors have seen: when which instance first served which version, and when which version was last seen.
#[derive(Default)]
struct Seen {
    first: BTreeMap<(String, String), Instant>,
    last: BTreeMap<String, Instant>,
    good: usize,
    lost: Vec<String>,
}

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    let code = |number: usize| format!("<?php echo 'at=v{number}-', gethostname(), ';';");
    real.serve(&[("index.php", &code(0))]).await?;
    real.php(4).await?;
    let mut versions = Vec::new();
    for number in 1..=TURNS {
        versions.push(real.upload(&[("index.php", &code(number))]).await?);
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let page = Page::public(&real.address, "/index.php")?;
    let mut tasks = JoinSet::new();
    for number in 0..VISITORS {
        tasks.spawn(visit(page.clone(), number % 2 == 0, Arc::clone(&seen), Arc::clone(&stop)));
    }
    let mut took = Vec::new();
    for (number, version) in (1..).zip(&versions) {
        let began = Instant::now();
        let body = json!({ "version_id": version.id });
        real.ada.accepted(Method::POST, &real.path("/activate"), Some(body)).await?;
        // Everybody has been met by then, and the old version would have been seen once more.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (new, old) = (format!("v{number}"), format!("v{}", number - 1));
        let arrivals: Vec<Instant> = seen.first.iter().filter(|((v, _), _)| *v == new).map(|(_, at)| *at).collect();
        ensure!(arrivals.len() >= 4, "{} instances served version {number}", arrivals.len());
        let done = arrivals.into_iter().chain(seen.last.get(&old).copied()).max().unwrap_or(began);
        took.push(ms(done - began));
    }
    stop.store(true, Ordering::Relaxed);
    while tasks.join_next().await.is_some() {}
    real.php(1).await?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let (middle, worst, lost) = (median(&took), percentile(&took, 100.0), seen.lost.len());
    if let Some(first) = seen.lost.first() {
        crate::table::say(&format!("  lost, for example: {first}"));
    }
    Ok(vec![Line {
        key: "activate".to_owned(),
        what: "activate: request → every one of 4 php instances serves the new version, under load".to_owned(),
        ours: format!(
            "median {middle:.0} ms, slowest of {TURNS} {worst:.0} ms; {lost} of {} requests lost",
            seen.good + lost
        ),
        theirs: "–".to_owned(),
        result: format!("{middle:.0} ms, {lost} lost"),
        goal: "median < 1 s, 0 lost".to_owned(),
        met: middle < 1000.0 && lost == 0,
    }])
}

async fn visit(page: Page, keep: bool, seen: Arc<Mutex<Seen>>, stop: Arc<AtomicBool>) {
    let mut connection = Connection::new(page.clone());
    while !stop.load(Ordering::Relaxed) {
        if !keep {
            connection = Connection::new(page.clone());
        }
        let asked = Instant::now();
        let answer =
            connection.ask().await.map(|answer| (answer.status == 200, answer.status.to_string(), answer.body));
        seen.lock().unwrap_or_else(PoisonError::into_inner).note(asked, answer);
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
}

impl Seen {
    /// What a visitor got: whether it is good, its status and its body.
    fn note(&mut self, asked: Instant, answer: Result<(bool, String, impl AsRef<[u8]>)>) {
        match answer {
            Ok((true, _, body)) => {
                let body = String::from_utf8_lossy(body.as_ref());
                if let Some((version, rest)) = body.split_once("at=").and_then(|(_, rest)| rest.split_once('-')) {
                    let host = rest.split(';').next().unwrap_or_default();
                    self.first.entry((version.to_owned(), host.to_owned())).or_insert_with(Instant::now);
                    // An old answer counts as of when it was asked for.
                    self.last.insert(version.to_owned(), asked);
                }
                self.good += 1;
            }
            Ok((false, status, _)) => self.lost.push(format!("status {status}")),
            Err(error) => self.lost.push(format!("{error:#}")),
        }
    }
}
