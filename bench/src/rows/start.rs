//! From the request to the first good answer, against `docker run` of the same image with the same programs.

use crate::{
    by_hand::{Programs, Recipe},
    client::{Page, first_answer, first_connection},
    figures::{Line, median, ms},
    school::Real,
};
use aerie_domain::ServiceState;
use anyhow::Result;
use reqwest::Method;
use std::time::{Duration, Instant};

/// Turns of each side. More: a steadier median, a longer row.
const TURNS: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    let recipe = Recipe::of(&real.home, &real.proxy_container().await?).await?;
    let version = recipe.version()?;
    let page = Page::public(&real.address, "/")?;
    let (mut ours, mut theirs, mut two) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        // While the service runs.
        let began = Instant::now();
        let by_hand = recipe.run(Programs::All).await?;
        let visit = Page::at(by_hand.port(8080), "x", "/").with("X-Aerie-Version", &version);
        theirs.push(ms(first_answer(&visit, LIMIT).await? - began));
        recipe.remove_all().await?;

        // What a start has to make as well: the container for sessions.
        let began = Instant::now();
        let (first, second) = tokio::try_join!(recipe.run(Programs::All), recipe.run(Programs::Php))?;
        let visit = Page::at(first.port(8080), "x", "/").with("X-Aerie-Version", &version);
        tokio::try_join!(first_answer(&visit, LIMIT), first_connection(second.address, 9000, LIMIT))?;
        two.push(ms(began.elapsed()));
        recipe.remove_all().await?;

        real.ada.accepted(Method::POST, &real.path("/stop"), None).await?;
        real.ada.wait_state(real.service, ServiceState::Stopped).await?;
        let began = Instant::now();
        let _: serde_json::Value = real.ada.json(Method::POST, &real.path("/start"), None).await?;
        ours.push(ms(first_answer(&page, LIMIT).await? - began));
        real.ada.wait_state(real.service, ServiceState::Running).await?;
    }
    let (ours, theirs, two) = (median(&ours), median(&theirs), median(&two));
    let (ratio, beside_two) = (ours / theirs, ours / two);
    let first = Line {
        key: "start".to_owned(),
        what: "start: request → first 200 of the welcome page through the public address".to_owned(),
        ours: format!("{ours:.0} ms"),
        theirs: format!("{theirs:.0} ms (`docker run` of the same image, programs and limits)"),
        result: format!("{ratio:.2} ×"),
        goal: "≤ 1.3 ×".to_owned(),
        met: ratio <= 1.3,
    };
    let second = Line {
        key: "start.two".to_owned(),
        what: "the same, since a start makes two containers (the instance, and the one for its sessions)".to_owned(),
        ours: format!("{ours:.0} ms"),
        theirs: format!("{two:.0} ms (two `docker run` at once → both answer)"),
        result: format!("{beside_two:.2} ×"),
        goal: "≤ 1.3 ×".to_owned(),
        met: beside_two <= 1.3,
    };
    Ok(vec![first, second])
}
