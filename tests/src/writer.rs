//! Somebody who writes all the time and remembers what was acknowledged.

use crate::Visitor;
use anyhow::{Result, ensure};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// Longest time it writes, whatever the test does.
const AT_MOST: Duration = Duration::from_secs(300);

/// Writes numbers, each once: `GET <address>?id=<number>` has to answer `ok <number>`.
pub struct Writer {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Written>>,
    task: JoinHandle<()>,
}

/// What it saw.
#[derive(Debug, Default, Clone)]
pub struct Written {
    /// Numbers whose write was acknowledged.
    pub acknowledged: BTreeSet<u64>,
    /// What was answered instead, and after how many milliseconds from the beginning.
    pub refused: Vec<(u128, String)>,
    /// Longest time between two acknowledged writes, and when it ended, milliseconds from the beginning.
    pub longest_pause: (Duration, u128),
}

impl Writer {
    /// Starts writing.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn start(address: &str) -> Result<Self> {
        let client = Visitor::browser_like(address)?;
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Written::default())));
        let (address, ended, notes) = (address.to_owned(), Arc::clone(&stop), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            let mut last = begun;
            for id in 1_u64.. {
                if ended.load(Ordering::Relaxed) || begun.elapsed() > AT_MOST {
                    break;
                }
                let said = match client.get(format!("{address}?id={id}")).send().await {
                    Ok(response) => response.text().await.unwrap_or_else(|error| error.to_string()),
                    Err(error) => error.to_string(),
                };
                let at = begun.elapsed().as_millis();
                if let Ok(mut notes) = notes.lock() {
                    if said == format!("ok {id}") {
                        notes.acknowledged.insert(id);
                        notes.longest_pause = notes.longest_pause.max((last.elapsed(), at));
                        last = Instant::now();
                    } else {
                        notes.refused.push((at, said.chars().take(200).collect()));
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Ok(Self { stop, seen, task })
    }

    /// What it saw until now.
    #[must_use]
    pub fn so_far(&self) -> Written {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }

    /// Ends it.
    pub async fn finish(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.task.await;
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }
}

impl Written {
    /// Nothing that was acknowledged is missing in `kept`.
    ///
    /// # Errors
    /// With what is missing.
    pub fn is_in(&self, kept: &BTreeSet<u64>, when: &str) -> Result<()> {
        let missing: Vec<_> = self.acknowledged.difference(kept).collect();
        ensure!(missing.is_empty(), "{when}: {} acknowledged writes are missing: {missing:?}", missing.len());
        Ok(())
    }

    /// One line for those who watch a test.
    #[must_use]
    pub fn summary(&self) -> String {
        let (pause, at) = self.longest_pause;
        let last = self.refused.last().map(|(_, said)| said.as_str()).unwrap_or_default();
        format!(
            "{} acknowledged, {} refused, longest pause {pause:?} until {at} ms; {last}",
            self.acknowledged.len(),
            self.refused.len()
        )
    }
}
