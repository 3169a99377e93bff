//! From the request to the first good answer, against `docker run` of the same image with the same programs.

use crate::{
    by_hand::{Programs, Recipe},
    client::{Page, first_answer},
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
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        // The application's network goes with its last instance, and by hand it is there already; so ours is measured
        // with everything that a start has to make, theirs while the service runs.
        let began = Instant::now();
        let by_hand = recipe.run(Programs::All).await?;
        let visit = Page::at(by_hand.port(8080), "x", "/").with("X-Aerie-Version", &version);
        theirs.push(ms(first_answer(&visit, LIMIT).await? - began));
        recipe.remove_all().await?;

        real.ada.accepted(Method::POST, &real.path("/stop"), None).await?;
        real.ada.wait_state(real.service, ServiceState::Stopped).await?;
        let began = Instant::now();
        let _: serde_json::Value = real.ada.json(Method::POST, &real.path("/start"), None).await?;
        ours.push(ms(first_answer(&page, LIMIT).await? - began));
        real.ada.wait_state(real.service, ServiceState::Running).await?;
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    let ratio = ours / theirs;
    Ok(vec![Line {
        key: "start".to_owned(),
        what: "start: request → first 200 of the welcome page through the public address".to_owned(),
        ours: format!("{ours:.0} ms"),
        theirs: format!("{theirs:.0} ms (`docker run` of the same image, programs and limits)"),
        result: format!("{ratio:.2} ×"),
        goal: "≤ 1.3 ×".to_owned(),
        met: ratio <= 1.3,
    }])
}
