//! The two tasks that write: batches every five seconds, falling resolution every minute.

use super::LoadRecorder;
use crate::errors::chain;
use aerie_store::{FINEST_STEP_S, Store};
use aerie_usecases::UseCases;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often finer slots are added up to coarser ones. Longer: more at once; readers take finer slots meanwhile.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// One batch per slot.
const SLOT: Duration = Duration::from_secs(FINEST_STEP_S as u64);

/// Writes what came in, one batch per slot, until the process stops; then what is left.
pub async fn record(recorder: LoadRecorder, store: Store, stop: CancellationToken) {
    let mut pause = SLOT;
    while stop.run_until_cancelled(sleep(pause)).await.is_some() {
        pause = write(&recorder, &store).await.map_or(SLOT, until_next);
    }
    let _at_the_end = write(&recorder, &store).await;
}

/// Writes one batch. Answers the database's time when there was something to write and it was written.
async fn write(recorder: &LoadRecorder, store: &Store) -> Option<OffsetDateTime> {
    let batch = recorder.take();
    if batch.is_empty() {
        return None;
    }
    let (mut instances, mut roles, mut figures) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
    for pending in batch.values().cloned() {
        let (used, did, told) = pending.into_rows();
        instances.push(used);
        roles.extend(did);
        figures.extend(told);
    }
    match store.loads_record(&instances, &roles, &figures).await {
        Ok(now) => Some(now),
        Err(error) => {
            tracing::warn!(error = chain(&error), "the load of {} instances was not written yet", batch.len());
            recorder.put_back(batch);
            None
        }
    }
}

/// The pause until the middle of the next slot. From the middle, a batch that is a little early or late is still in its
/// slot, and no slot stays empty.
fn until_next(now: OffsetDateTime) -> Duration {
    let slot = i128::try_from(SLOT.as_nanos()).unwrap_or(1);
    let into = now.unix_timestamp_nanos().rem_euclid(slot);
    u64::try_from(slot + slot / 2 - into).map_or(SLOT, Duration::from_nanos)
}

/// Lets what is kept grow coarser and in the end be forgotten, and ends runs of the load generator whose director is
/// gone. May be dropped anywhere: each step stands by itself, and several directors may do it.
pub async fn keep(store: Store, usecases: UseCases) {
    loop {
        sleep(KEEP_EVERY).await;
        if let Err(error) = store.loads_keep().await {
            tracing::warn!(error = chain(&error), "the kept load was not added up; it will be in a minute");
        }
        if let Err(failure) = usecases.tidy_load_runs().await {
            // Logs the cause; the next round tries again.
            let _told_in_the_log = failure.into_problem();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn batches_are_written_in_the_middle_of_slots() {
        for (now, pause_ms) in [
            (datetime!(2026-11-21 12:00:02.5 UTC), 5000),
            (datetime!(2026-11-21 12:00:04.9 UTC), 2600),
            (datetime!(2026-11-21 12:00:00 UTC), 7500),
        ] {
            assert_eq!(until_next(now), Duration::from_millis(pause_ms));
        }
    }
}
