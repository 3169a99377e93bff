//! What the platform does about credit by itself: charge, warn, and stop what nobody pays for. Called now and then by
//! every director; all of it is safe to repeat and to do several times at once.

use crate::{Actor, Outcome, UseCases, Via, services::OwnedService};
use aerie_domain::{BootId, CreditLevel, DesiredState, OperationKind, Problem, ServiceId, views::EventKind};
use aerie_store::{ClockReading, NewEvent, ServiceIntent};
use async_recursion::async_recursion as boxed;
use std::{io, time::Duration, time::Instant};

/// Time since a machine's boot: a clock that nobody can step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uptime {
    /// Which boot of which machine.
    pub boot: BootId,
    /// Time since then.
    pub uptime: Duration,
}

/// Longest time between two readings of the uptime with one of the database's clock in between. Larger: small steps of
/// the clock are seen where there are none; smaller: no charging while the database is slow.
const READ_WITHIN: Duration = Duration::from_secs(1);

/// What the page of a service says that was stopped for want of credit.
const STOPPED: &str = "Stopped because the credit of its owner is used up. Code, settings and data are kept; it can be \
                       started again when there is credit.";

impl UseCases {
    /// One round: books what is due, tells people how much they have used, and stops the services of those who have
    /// nothing left. `uptime` reads the clock of this machine.
    #[boxed]
    pub async fn charge(&self, uptime: &(dyn Fn() -> io::Result<Uptime> + Send + Sync)) -> Outcome<()> {
        if let Some(reading) = self.read_clocks(uptime).await? {
            let charged = self.store().charge(&reading, self.settings().charge_period).await?;
            if charged.stepped_us != 0 {
                tracing::warn!(
                    stepped_ms = charged.stepped_us / 1000,
                    "The clock of the database was stepped; running meters moved along with it"
                );
            }
        }
        self.tell_levels().await?;
        for service in self.store().services_without_credit().await? {
            self.stop_for_credit(service).await?;
        }
        Ok(())
    }

    /// The database's clock and this machine's, at the same moment; nothing when that took too long to be one moment.
    async fn read_clocks(
        &self,
        uptime: &(dyn Fn() -> io::Result<Uptime> + Send + Sync),
    ) -> Outcome<Option<ClockReading>> {
        let before = uptime()?;
        let wall = self.store().database_now().await?;
        let after = uptime()?;
        let took = after.uptime.saturating_sub(before.uptime);
        let same = before.boot == after.boot && took <= READ_WITHIN;
        let reading = ClockReading { machine: after.boot, uptime: after.uptime, wall, taken: Instant::now() };
        Ok(same.then_some(reading))
    }

    /// An event for everybody whose credit has got to another level.
    async fn tell_levels(&self) -> Outcome<()> {
        let mut txn = self.store().begin().await?;
        for (user, _) in txn.ledger_levels_to_tell().await? {
            let event = NewEvent {
                owner: Some(user),
                kind: EventKind::Account,
                application: None,
                service: None,
                instance: None,
            };
            txn.event_append(&event).await?;
        }
        Ok(txn.commit().await?)
    }

    /// Stops a service whose owner has nothing left, the way its owner would.
    async fn stop_for_credit(&self, id: ServiceId) -> Outcome<()> {
        let actor = self.platform().await?;
        let mut txn = self.store().begin().await?;
        let Some((_, application, owner)) = txn.service_with_owner(id).await? else { return Ok(()) };
        let Some(service) = txn.service_lock(id).await? else { return Ok(()) };
        // Looked at again under the lock: another director may have stopped it, or somebody granted credit.
        let level = txn.user_credit(owner.id).await?.level;
        if service.desired != DesiredState::Running || level != CreditLevel::UsedUp {
            return Ok(());
        }
        let intent = ServiceIntent { desired: DesiredState::Stopped, ..service.intent() };
        txn.service_set_stop_reason(id, STOPPED).await?;
        let row = OwnedService { service, application, owner };
        self.accept_because(txn, &actor, &row, &intent, OperationKind::Stop, "credit used up").await?;
        Ok(())
    }

    /// The platform itself as an actor.
    pub(crate) async fn platform(&self) -> Outcome<Actor> {
        let user = self.store().user_system().await?.ok_or_else(|| Problem::not_found("system user"))?;
        Ok(Actor { user: user.id, name: user.name, role: user.role, via: Via::System, address: String::new() })
    }
}
