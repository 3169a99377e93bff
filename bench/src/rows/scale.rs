//! One php instance to nine, against eight `docker run` at the same time.

use crate::{
    by_hand::{Programs, Recipe},
    client::{Connection, Page, first_connection},
    figures::{Line, median, ms},
    school::Real,
};
use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const TURNS: usize = 3;
const LIMIT: Duration = Duration::from_secs(120);
/// Says which instance answers; nothing of it is cached.
const NAME: &str = "<?php echo 'host=', gethostname();";

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    real.serve(&[("index.php", NAME)]).await?;
    let recipe = Recipe::of(&real.home, &real.proxy_container().await?).await?;
    let page = Page::public(&real.address, "/index.php")?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let began = Instant::now();
        let run = || async {
            let by_hand = recipe.run(Programs::Php).await?;
            first_connection(by_hand.address, 9000, LIMIT).await
        };
        try_join_all((0..8).map(|_| run())).await?;
        theirs.push(ms(began.elapsed()));
        recipe.remove_all().await?;

        let before = names(&page, 1, Instant::now()).await?.0;
        let began = Instant::now();
        let body = json!({ "roles": { "php": 9 } });
        let _: serde_json::Value = real.ada.json(Method::PUT, &real.path("/scale"), Some(body)).await?;
        let (seen, at) = names(&page, before.len() + 9, began).await?;
        let new = seen.difference(&before).count();
        if new < 9 {
            bail!("{new} new instances answered: {seen:?}");
        }
        ours.push(ms(at));
        real.ada.wait_state(real.service, aerie_domain::ServiceState::Running).await?;
        real.php(1).await?;
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    let ratio = ours / theirs;
    Ok(vec![Line {
        key: "scale".to_owned(),
        what: "scale php 1 → 9: request → all nine answer visitors (nine new containers: php leaves the packed one)"
            .to_owned(),
        ours: format!("{ours:.0} ms"),
        theirs: format!("{theirs:.0} ms (8 `docker run` at once → all accept connections)"),
        result: format!("{ratio:.2} ×"),
        goal: "≤ 1.3 ×".to_owned(),
        met: ratio <= 1.3,
    }])
}

/// Asks until so many different instances have answered; gives them, and how long after `began` that was.
async fn names(page: &Page, count: usize, began: Instant) -> Result<(BTreeSet<String>, Duration)> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let mut tasks = JoinSet::new();
    // Few enough to leave the processor to the start: asking without a pause costs a core. Each is sent to the next instance
    // with every request, so a new one is met within a tenth of a second.
    for _ in 0..2 {
        let (mut connection, seen) = (Connection::new(page.clone()), Arc::clone(&seen));
        tasks.spawn(async move {
            while began.elapsed() < LIMIT && seen.lock().unwrap_or_else(PoisonError::into_inner).len() < count {
                if let Ok(answer) = connection.ask().await {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    if let Some((_, name)) = body.split_once("host=") {
                        let name = name.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
                        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if seen.len() < count {
        bail!("only {} of {count} instances answered", seen.len());
    }
    Ok((seen, began.elapsed()))
}
