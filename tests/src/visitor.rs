//! Visitors of a hosted application: keep asking while something happens, count what was lost.

use crate::Api;
use aerie_domain::ServiceId;
use anyhow::{Result, bail, ensure};
use reqwest::{Client, ClientBuilder, Method};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;
use tokio::task::JoinSet;

/// Longest time visitors keep asking, whatever the test does: traffic is bounded.
const AT_MOST: Duration = Duration::from_secs(120);

/// Visitors at work.
pub struct Visitor {
    stop: Arc<AtomicBool>,
    report: Arc<Mutex<VisitorReport>>,
    tasks: JoinSet<()>,
}

/// What visitors saw.
#[derive(Debug, Default, Clone)]
pub struct VisitorReport {
    /// Answers with status 200.
    pub good: usize,
    /// Everything else, in words, with the time of day.
    pub lost: Vec<String>,
    /// How often each body was seen (its first 80 characters).
    pub bodies: BTreeMap<String, usize>,
}

impl Visitor {
    /// Lets half of `visitors` ask on kept connections and half on fresh ones, for `url` whose host is resolved to
    /// this machine.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn keep_asking(url: &str, visitors: usize) -> Result<Self> {
        Self::keep_asking_for(url, visitors, AT_MOST)
    }

    /// The same for a test that takes longer than usual.
    ///
    /// # Errors
    /// As above.
    pub fn keep_asking_for(url: &str, visitors: usize, at_most: Duration) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let report = Arc::new(Mutex::new(VisitorReport::default()));
        let mut tasks = JoinSet::new();
        for number in 0..visitors {
            let client = client(url, number % 2 == 0)?;
            let (url, stop, report) = (url.to_owned(), Arc::clone(&stop), Arc::clone(&report));
            tasks.spawn(async move {
                let end = tokio::time::Instant::now() + at_most;
                while !stop.load(Ordering::Relaxed) && tokio::time::Instant::now() < end {
                    let seen = match client.get(&url).send().await {
                        Ok(response) => {
                            let status = response.status();
                            match response.text().await {
                                Ok(body) if status.is_success() => Ok(body),
                                Ok(body) => Err(format!("{status}: {}", body.chars().take(120).collect::<String>())),
                                Err(error) => Err(format!("cut off: {error:?}")),
                            }
                        }
                        Err(error) => Err(format!("{error:?}")),
                    };
                    if let Ok(mut report) = report.lock() {
                        match seen {
                            Ok(body) => {
                                report.good += 1;
                                *report.bodies.entry(body.chars().take(80).collect()).or_default() += 1;
                            }
                            Err(lost) => report.lost.push(format!("{}: {lost}", OffsetDateTime::now_utc().time())),
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
        }
        Ok(Self { stop, report, tasks })
    }

    /// Ends the visit, and fails if a request was lost or if not more than `more_than` were answered. The failure tells when,
    /// and what the service's roles wrote then.
    ///
    /// # Errors
    /// As said.
    pub async fn finish_without_loss(self, more_than: usize, ada: &Api, id: ServiceId) -> Result<VisitorReport> {
        let seen = self.finish().await;
        if seen.lost.is_empty() {
            ensure!(seen.good > more_than, "the visitors asked {} times only", seen.good);
            return Ok(seen);
        }
        let logs = ada.send(Method::GET, &format!("/services/{id}/logs?format=text&tail=2000"), None).await?;
        let logs = logs.text().await?;
        let requests = |line: &&str| !line.contains("\"GET / HTTP/1.1\"");
        let logs: Vec<&str> = logs.lines().filter(requests).collect();
        bail!(
            "{} lost, {} answered: {:#?}\nthe service's log:\n{}",
            seen.lost.len(),
            seen.good,
            &seen.lost[..seen.lost.len().min(10)],
            logs[logs.len().saturating_sub(150)..].join("\n")
        )
    }

    /// Ends the visit.
    pub async fn finish(mut self) -> VisitorReport {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        self.report.lock().map(|report| report.clone()).unwrap_or_default()
    }

    /// One request, as a browser that keeps cookies would send it.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn browser_like(url: &str) -> Result<Client> {
        client(url, true)
    }

    /// The same for requests that take long, such as the installation of a database.
    ///
    /// # Errors
    /// As above.
    pub fn patient_browser_like(url: &str) -> Result<Client> {
        Ok(builder(url)?.timeout(Duration::from_secs(90)).build()?)
    }
}

fn client(url: &str, keep: bool) -> Result<Client> {
    let builder = builder(url)?;
    Ok(if keep { builder.build()? } else { builder.pool_max_idle_per_host(0).build()? })
}

/// A client that finds any host name of the address on this machine.
fn builder(url: &str) -> Result<ClientBuilder> {
    let parsed = reqwest::Url::parse(url)?;
    let host = parsed.host_str().unwrap_or("localhost").to_owned();
    let address = SocketAddr::from(([127, 0, 0, 1], parsed.port().unwrap_or(80)));
    Ok(Client::builder().resolve(&host, address).cookie_store(true).timeout(Duration::from_secs(15)))
}
