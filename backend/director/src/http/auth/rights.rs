//! Streams live as long as the right to them does. Every stream goes through [`while_allowed`]; a test opens all streams
//! of the API document and takes the right away.

use crate::state::AppState;
use aerie_domain::ServiceId;
use aerie_usecases::{Actor, UseCases};
use futures_util::{Stream, StreamExt};
use std::time::Duration;
use tokio::time::sleep;

/// How often a stream's right is looked at; five seconds are promised. Longer: a revoked token reads longer; shorter: more
/// queries per open page.
const CHECK_EVERY: Duration = Duration::from_secs(3);

/// The stream, until the actor's session or token opens nothing any more or the service is not theirs (any more).
pub fn while_allowed<S: Stream>(
    stream: S,
    state: &AppState,
    actor: Actor,
    service: Option<ServiceId>,
) -> impl Stream<Item = S::Item> + use<S> {
    stream.take_until(right_ends(state.usecases.clone(), actor, service))
}

/// Waits for the end of the right.
async fn right_ends(usecases: UseCases, actor: Actor, service: Option<ServiceId>) {
    loop {
        sleep(CHECK_EVERY).await;
        let allowed = match service {
            Some(service) => usecases.still_allowed(&actor, service).await,
            None => usecases.actor_still_valid(&actor).await,
        };
        if !allowed {
            return;
        }
    }
}
