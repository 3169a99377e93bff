//! A class presses start in the same second: everybody is served, and pages answer meanwhile.

use super::dashboard::log_in;
use crate::{
    client::{Load, Page, open_loop},
    figures::{Line, percentile},
    school::Pretended,
    table::say,
};
use aerie_domain::{ServiceId, views::Accepted};
use aerie_tests::Api;
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How many press start. Registrations from one address are limited to as many per hour.
const USERS: usize = 200;
/// Pages that others ask for meanwhile.
const PAGES_PER_SECOND: u32 = 50;
/// How long pages are asked for; longer than the starts take.
const WATCHED: Duration = Duration::from_secs(20);

pub async fn measure() -> Result<Vec<Line>> {
    // Ada is one of them: she looks at her page instead.
    let school = Pretended::open_with("bench-class", &[("AERIE_LOGIN_ATTEMPTS", "1000")]).await?;
    let mut class = Vec::new();
    for number in 1..USERS {
        let user = school.home.api().register(&format!("student{number}")).await?;
        let service = user.application_with("blog", "php").await?.summary.id;
        class.push((user, service));
        if number.is_multiple_of(50) {
            say(&format!("  {number} users"));
        }
    }
    let own = school.ada.application_with("blog", "php").await?.summary.id;
    class.push((school.ada.clone(), own));
    let cookie = log_in(&school.home).await?;
    let host = format!("localhost:{}", school.home.web_port);
    let page = Page::local(school.home.web_port, &host, "/applications").with("Cookie", &cookie);
    let warm = open_loop(&page, 20, Duration::from_secs(2)).await;
    ensure!(warm.lost.is_empty(), "the page does not answer: {:?}", warm.lost.first());

    let watching = tokio::spawn({
        let page = page.clone();
        async move { open_loop(&page, PAGES_PER_SECOND, WATCHED).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    let accepted = press_start(class).await?;
    school.settled_of(USERS).await?;
    let served = began.elapsed();
    let load: Load = watching.await?;
    ensure!(load.lost.is_empty(), "{} pages lost: {:?}", load.lost.len(), load.lost.first());
    let (p50, p95) = (percentile(&load.good, 50.0), percentile(&load.good, 95.0));
    let (accepted, served) = (accepted.as_secs_f64(), served.as_secs_f64());
    ensure!(served + 1.0 < WATCHED.as_secs_f64(), "the starts took {served:.1} s, longer than pages were asked for");
    Ok(vec![Line {
        key: "class".to_owned(),
        what: format!("{USERS} users press start in the same second (simulated cloud): pages meanwhile"),
        ours: format!("accepted within {accepted:.1} s, all running after {served:.1} s, pages p50 {p50:.1} ms"),
        theirs: "–".to_owned(),
        result: format!("p95 {p95:.1} ms"),
        goal: "p95 < 200 ms, all served".to_owned(),
        met: p95 < 200.0,
    }])
}

/// All at once; gives how long it took until the last one was accepted.
async fn press_start(class: Vec<(Api, ServiceId)>) -> Result<Duration> {
    let began = Instant::now();
    let mut presses = JoinSet::new();
    for (user, service) in class {
        presses.spawn(async move {
            let path = format!("/services/{service}/start");
            user.json::<Accepted>(Method::POST, &path, None).await.context("a start was refused")
        });
    }
    while let Some(pressed) = presses.join_next().await {
        pressed??;
    }
    Ok(began.elapsed())
}
