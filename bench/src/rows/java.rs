//! A JSP page through entry, proxy, web and java, against the same Tomcat asked directly.

use crate::{
    beside::Beside,
    by_hand::inspect,
    client::{Load, Page, closed_loop, first_answer},
    figures::{Line, median},
    school::Real,
};
use anyhow::{Context, Result, ensure};
use std::{net::SocketAddr, time::Duration};

const TURNS: usize = 3;
const SPELL: Duration = Duration::from_secs(5);

pub async fn measure(real: &Real) -> Result<Vec<Line>> {
    let java = Beside::start(real, "java").await?;
    let view = real.ada.service(java.id).await?;
    let ours = Page::public(&view.summary.address.context("java has an address")?, "/")?;
    let address =
        inspect(&java.container("java").await?, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}").await?;
    let version = view.versions.iter().find(|version| version.active).context("a version is served")?.id.to_string();
    // Tomcat knows versions as hosts, and what visitors asked for from a header.
    let theirs = Page::at(SocketAddr::new(address.parse()?, 8082), &version, "/").with("X-Aerie-Host", "localhost");
    first_answer(&theirs, Duration::from_secs(30)).await?;
    first_answer(&ours, Duration::from_secs(30)).await?;
    let mut rates = [Vec::new(), Vec::new()];
    // Java compiles what is asked for often while it is asked for.
    for page in [&ours, &theirs] {
        closed_loop(page, 16, SPELL).await;
    }
    for _ in 0..TURNS {
        for (side, page) in [&ours, &theirs].into_iter().enumerate() {
            rates[side].push(good(closed_loop(page, 16, SPELL).await)?.per_second());
        }
    }
    java.remove().await?;
    let (ours, theirs) = (median(&rates[0]), median(&rates[1]));
    let ratio = ours / theirs;
    Ok(vec![Line {
        key: "java".to_owned(),
        what: "the welcome page (JSP) through entry, proxy, web, java: requests/s (16 visitors)".to_owned(),
        ours: format!("{ours:.0}/s"),
        theirs: format!("{theirs:.0}/s (the same Tomcat asked directly, kept connections)"),
        result: format!("{ratio:.2} ×"),
        goal: "≥ 0.7 ×".to_owned(),
        met: ratio >= 0.7,
    }])
}

fn good(load: Load) -> Result<Load> {
    ensure!(load.lost.is_empty() && !load.good.is_empty(), "lost requests: {:?}", load.lost.first());
    Ok(load)
}
