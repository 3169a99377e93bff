//! Tells in a row how this director, its cloud and its disk are, for the administrators' page.

use crate::config::CloudChoice;
use aerie_cloud::{Cloud, Scope};
use aerie_domain::DirectorId;
use aerie_manager::ManagerFigures;
use aerie_store::{DirectorHealth, Store};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Longer: the page is further behind. Shorter: more questions to the engine.
const EVERY: Duration = Duration::from_secs(15);
/// Longest wait for the engine. Longer: the page says late that it does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is looked at.
pub(super) struct Watched {
    pub store: Store,
    pub cloud: Arc<dyn Cloud>,
    pub kind: CloudChoice,
    pub director: DirectorId,
    pub manager: ManagerFigures,
    pub data_dir: PathBuf,
}

/// Runs until it is dropped, which may happen anywhere.
pub(super) async fn report(watched: Watched) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let health = look(&watched).await;
        if let Err(error) = watched.store.director_note_health(watched.director, &health).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "how this director is could not be noted");
        }
    }
}

async fn look(watched: &Watched) -> DirectorHealth {
    let begun = Instant::now();
    let answer = timeout(PATIENCE, watched.cloud.check()).await;
    let ping = begun.elapsed();
    let mut problem = match answer {
        Ok(Ok(())) => String::new(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let mut containers = 0;
    if problem.is_empty() {
        match timeout(PATIENCE, watched.cloud.inventory(&Scope::Installation)).await {
            Ok(Ok(found)) => containers = found.len(),
            Ok(Err(error)) => problem = error.to_string(),
            Err(_) => problem = format!("no list of containers within {} s", PATIENCE.as_secs()),
        }
    }
    let (queue_waiting, queue_running) = watched.manager.lengths();
    let (disk_free_bytes, disk_total_bytes) = disk(&watched.data_dir);
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    DirectorHealth {
        queue_waiting: small(queue_waiting),
        queue_running: small(queue_running),
        cloud: match watched.kind {
            CloudChoice::Docker => "docker".to_owned(),
            CloudChoice::Simulated => "simulated".to_owned(),
        },
        cloud_problem: problem,
        cloud_ping_ms: u32::try_from(ping.as_millis()).unwrap_or(u32::MAX),
        containers: small(containers),
        disk_free_bytes,
        disk_total_bytes,
    }
}

/// Free and all bytes of the disk that holds the data directory; nothing when it cannot be told.
fn disk(folder: &std::path::Path) -> (u64, u64) {
    rustix::fs::statvfs(folder).map_or((0, 0), |disk| {
        (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize))
    })
}
