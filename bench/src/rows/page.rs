//! A php page through entry, proxy, web and php, against nginx and php-fpm in one container.

use crate::{
    by_hand::{Programs, Recipe},
    client::{Load, Page, closed_loop},
    figures::{Line, median, percentile},
    school::Real,
};
use anyhow::{Result, ensure};
use std::time::Duration;

const TURNS: usize = 3;
const SPELL: Duration = Duration::from_secs(5);
/// What a small page does: some text, some work.
const CODE: &str = "<?php $a = []; for ($i = 0; $i < 2000; $i++) { $a[] = md5((string) $i); } sort($a); \
                    echo '<!doctype html><title>page</title>', str_repeat('<p>' . $a[0] . '</p>', 50);";

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    real.serve(&[("index.php", CODE)]).await?;
    let recipe = Recipe::of(&real.home, &real.proxy_container().await?).await?;
    let version = newest(&recipe, real).await?;
    let by_hand = recipe.run(Programs::WebAndPhp).await?;
    let theirs = Page::at(by_hand.port(8081), "x", "/index.php").with("X-Aerie-Version", &version);
    let ours = Page::public(&real.address, "/index.php")?;
    crate::client::first_answer(&theirs, Duration::from_secs(30)).await?;

    let (mut rates, mut middles) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..TURNS {
        for (side, page) in [&ours, &theirs].into_iter().enumerate() {
            closed_loop(page, 4, Duration::from_millis(500)).await;
            rates[side].push(good(closed_loop(page, 16, SPELL).await)?.per_second());
            middles[side].push(percentile(&good(closed_loop(page, 1, SPELL / 2).await)?.good, 50.0));
        }
    }
    recipe.remove_all().await?;
    let (rate, by_hand_rate) = (median(&rates[0]), median(&rates[1]));
    let (middle, by_hand_middle) = (median(&middles[0]), median(&middles[1]));
    let (ratio, added) = (rate / by_hand_rate, middle - by_hand_middle);
    let against = "nginx and php-fpm in one container, same image, code and limits, kept connections";
    Ok(vec![
        Line {
            key: "page.rate".to_owned(),
            what: "a php page through entry, proxy, web, php: requests/s (16 visitors)".to_owned(),
            ours: format!("{rate:.0}/s"),
            theirs: format!("{by_hand_rate:.0}/s ({against})"),
            result: format!("{ratio:.2} ×"),
            goal: "≥ 0.7 ×".to_owned(),
            met: ratio >= 0.7,
        },
        Line {
            key: "page.time".to_owned(),
            what: "the same: median time of one visitor".to_owned(),
            ours: format!("{middle:.2} ms"),
            theirs: format!("{by_hand_middle:.2} ms"),
            result: format!("+{added:.2} ms"),
            goal: "< +1 ms".to_owned(),
            met: added < 1.0,
        },
    ])
}

fn good(load: Load) -> Result<Load> {
    ensure!(load.lost.is_empty() && !load.good.is_empty(), "lost requests: {:?}", load.lost.first());
    Ok(load)
}

/// The folder of the version that is served now.
async fn newest(recipe: &Recipe, real: &Real) -> Result<String> {
    let view = real.view().await?;
    let serving = view.versions.iter().find(|version| version.active).map(|version| version.id.to_string());
    serving.map_or_else(|| recipe.version(), Ok)
}
