//! One look at one service: lease, world, plan, steps.

use crate::{
    backoff,
    clock::Moment,
    execute::{Executor, PassError, Subject},
    explain,
    plan::{KindFiles, plan},
    queue::{Outcome, Queue},
    read::Reader,
    step::Plan,
};
use aerie_cloud::CloudErrorKind;
use aerie_domain::{DesiredState, DirectorId, ServiceId, ServiceState, views::EventKind};
use aerie_store::{Lease, LogLevel, ServiceStatus, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How often to look at a service that is as it shall be. Longer: what no event told of is noticed later; shorter: many
/// settled services cost more than they should.
const SETTLED: Duration = Duration::from_secs(120);

/// How soon to look again at the earliest. Shorter: a mistake in a rule would spin.
const SOONEST: Duration = Duration::from_millis(10);

/// How often to try for a service that another director manages: it may die, and its lease ends after 15 s.
const OTHERS: Duration = Duration::from_secs(5);

/// How often a long pass renews its lease of 15 s. Longer: one slow renewal loses it.
const RENEWAL: Duration = Duration::from_secs(5);

/// How long a pass may take: nothing in it waits for containers or builds. Shorter: a busy database looks broken;
/// longer: an engine that hangs keeps its service from being looked at.
const LIMIT: Duration = Duration::from_secs(60);

/// Requests that are older than this are given up when a pass fails. The service goes on trying. As in `plan::status`.
const GIVE_UP: Duration = Duration::from_secs(120);

/// What passes need.
pub(crate) struct Passes {
    pub director: DirectorId,
    pub reader: Reader,
    pub executor: Executor,
    pub queue: Arc<Queue<ServiceId>>,
}

impl Passes {
    /// Looks at a service and does what has to be done; never fails, but says when to look again.
    pub async fn pass(&self, service: ServiceId) -> Outcome {
        let (lease, now) = match self.executor.store.lease_take_at(service, self.director).await {
            Ok(Some(taken)) => taken,
            Ok(None) => return self.without_lease(service).await,
            Err(error) => {
                self.note_deafness(&error);
                return failed(service, &error);
            }
        };
        let moment = self.reader.clock.read(now);
        let outcome = tokio::select! {
            // Dropping it stops between two calls; whatever is left undone is in the next plan.
            outcome = timeout(LIMIT, self.work(&lease, &moment)) => outcome.unwrap_or(Err(PassError::Slow)),
            // Cancel-safe: a renewal that is cut off may have happened or not, both are fine.
            () = self.keep(&lease) => Err(PassError::Store(StoreError::LostLease)),
        };
        match outcome {
            Ok(outcome) => outcome,
            Err(PassError::Store(StoreError::LostLease)) => {
                tracing::info!(service.id = %service, "another director manages this service now");
                Outcome::Again(backoff::jitter(OTHERS))
            }
            Err(PassError::Store(error)) if error.is_unavailable() => {
                self.note_deafness(&error);
                failed(service, &error)
            }
            Err(error) => {
                let hopeless = matches!(&error, PassError::Cloud(error) if error.kind == CloudErrorKind::InvalidSpec);
                self.say(&lease, explain::pass(&error), hopeless).await;
                failed(service, &error)
            }
        }
    }

    /// What agents report is not written either while the database is away.
    fn note_deafness(&self, error: &StoreError) {
        if error.is_unavailable() {
            self.reader.clock.deaf();
        }
    }

    async fn work(&self, lease: &Lease, moment: &Moment) -> Result<Outcome, PassError> {
        let Some((world, subject)) =
            self.reader.world(lease.service, moment, &self.executor.works, &self.executor.images).await?
        else {
            return Ok(Outcome::Forget);
        };
        let plan = plan(&world, &KindFiles);
        self.trace(&subject, &plan);
        self.executor.run(&subject, lease, &plan).await?;
        if plan.settled && world.instances.is_empty() && world.service.desired != DesiredState::Running {
            return Ok(Outcome::Forget);
        }
        let regular = if plan.settled { backoff::jitter(SETTLED) } else { Duration::from_secs(1) };
        let wait = plan.wake_at.map_or(regular, |at| moment.until(at).max(SOONEST));
        Ok(Outcome::Again(if plan.settled { wait.min(regular) } else { wait }))
    }

    /// Renews the lease until it is lost.
    async fn keep(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            match self.executor.store.lease_take(lease.service, self.director).await {
                Ok(Some(renewed)) if renewed.epoch == lease.epoch => {}
                Ok(_) => return,
                // every write checks the lease anyway
                Err(error) => tracing::warn!(
                    service.id = %lease.service, error = &error as &dyn std::error::Error,
                    "a lease could not be renewed"
                ),
            }
        }
    }

    async fn without_lease(&self, service: ServiceId) -> Outcome {
        match self.executor.store.service_fetch(service).await {
            Ok(None) => Outcome::Forget,
            Ok(Some(_)) => Outcome::Again(backoff::jitter(OTHERS)),
            Err(error) => failed(service, &error),
        }
    }

    /// Something did not play along: that is the service's reason, from the second time on.
    async fn say(&self, lease: &Lease, reason: String, hopeless: bool) {
        if self.queue.failures(lease.service) == 0 && !hopeless {
            return;
        }
        if let Err(error) = self.write_reason(lease, &reason).await {
            tracing::warn!(
                service.id = %lease.service, error = &error as &dyn std::error::Error,
                "the reason of a failure could not be written"
            );
        }
    }

    async fn write_reason(&self, lease: &Lease, reason: &str) -> Result<(), StoreError> {
        let mut txn = self.executor.store.begin_fenced(lease).await?;
        let Some(row) = txn.service_fetch(lease.service).await? else { return Ok(()) };
        let state = if row.desired == DesiredState::Running { ServiceState::Error } else { row.state };
        let status = ServiceStatus {
            state,
            reason: reason.to_owned(),
            observed_generation: row.observed_generation,
            failures: row.failures,
        };
        let given_up = txn.operations_give_up(lease.service, GIVE_UP, reason).await?;
        let changed = txn.service_set_status(lease.service, &status).await?;
        if changed {
            txn.manager_log_append(lease.service, LogLevel::Error, reason).await?;
        }
        if changed || given_up > 0 {
            let kind = if given_up > 0 { EventKind::Operation } else { EventKind::Service };
            if let Some((row, application, owner)) = txn.service_with_owner(lease.service).await? {
                txn.event_append(&aerie_store::NewEvent {
                    owner: Some(owner.id),
                    kind,
                    application: Some(application.id),
                    service: Some(row.id),
                    instance: None,
                })
                .await?;
            }
        }
        txn.commit().await
    }

    #[expect(clippy::unused_self, reason = "reads as a part of the pass")]
    fn trace(&self, subject: &Subject, plan: &Plan) {
        for line in &plan.lines {
            tracing::debug!(service.id = %subject.service, level = line.level.as_str(), "{}", line.text);
        }
    }
}

fn failed(service: ServiceId, error: &(dyn std::error::Error + 'static)) -> Outcome {
    tracing::warn!(service.id = %service, error, "a look at a service failed; it will be repeated");
    Outcome::Failed
}
