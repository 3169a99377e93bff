//! Removes what nobody needs any more, now and then.

use aerie_usecases::UseCases;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Longer: ended sessions and unused blobs stay longer. Several directors may do it at once; it is safe to repeat.
const EVERY: Duration = Duration::from_secs(600);

/// Runs until it is dropped, which may happen anywhere: every removal stands by itself.
pub(super) async fn collect(usecases: UseCases) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(failure) = usecases.collect_garbage().await {
            // Logs the cause; the next round tries again.
            let _told_in_the_log = failure.into_problem();
        }
    }
}
