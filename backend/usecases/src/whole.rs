//! Whole applications: everything in them started, stopped or restarted at once, in the order that their bindings ask for.
//!
//! Each service gets its intent in the same transaction; the order is kept by their managers, which wait for each other
//! (a start and a restart for what is used, a stop for whoever uses it).

use crate::{Actor, Outcome, UseCases, credit::require_credit};
use aerie_domain::{
    ApplicationId, DesiredState, OperationId, OperationKind, Problem, ProblemCode,
    views::{AcceptedAll, EventKind},
};
use aerie_store::ServiceIntent;
use async_recursion::async_recursion as boxed;

impl UseCases {
    /// Starts all services of an application that do not run. Each is there before those that use it.
    #[boxed]
    pub async fn start_application(&self, actor: &Actor, id: ApplicationId) -> Outcome<AcceptedAll> {
        self.all(actor, id, DesiredState::Running, OperationKind::Start).await
    }

    /// Stops all services of an application that run. None loses what it uses before it has stopped itself.
    #[boxed]
    pub async fn stop_application(&self, actor: &Actor, id: ApplicationId) -> Outcome<AcceptedAll> {
        self.all(actor, id, DesiredState::Stopped, OperationKind::Stop).await
    }

    /// Restarts all services of an application that run. Each has its new instances before those that use it.
    #[boxed]
    pub async fn restart_application(&self, actor: &Actor, id: ApplicationId) -> Outcome<AcceptedAll> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let application = self.lock_owned_application(&mut txn, actor, id).await?;
        self.require_room(0)?;
        let mut operations = Vec::new();
        for service in txn.service_list(id).await? {
            if service.desired == DesiredState::Running {
                let row = self.lock_owned_service(&mut txn, actor, service.id).await?;
                operations.push(self.intend_restart(&mut txn, actor, &row).await?);
            }
        }
        if operations.is_empty() {
            let detail = format!("Nothing in {} runs.", application.name);
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        let target = format!("application {}", application.name);
        self.record_plain(&mut txn, actor, "application.restart", &target, EventKind::Application, Some(id), None)
            .await?;
        txn.commit().await?;
        self.accepted_all(actor, operations).await
    }

    async fn accepted_all(&self, actor: &Actor, operations: Vec<OperationId>) -> Outcome<AcceptedAll> {
        let mut accepted = AcceptedAll { operations: Vec::new() };
        for operation in operations {
            accepted.operations.push(self.operation(actor, operation).await?);
        }
        Ok(accepted)
    }

    async fn all(
        &self,
        actor: &Actor,
        id: ApplicationId,
        desired: DesiredState,
        kind: OperationKind,
    ) -> Outcome<AcceptedAll> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let application = self.lock_owned_application(&mut txn, actor, id).await?;
        let concerned = txn.service_list(id).await?.into_iter().filter(|service| match desired {
            DesiredState::Running => service.desired == DesiredState::Stopped,
            DesiredState::Stopped => service.desired == DesiredState::Running,
            DesiredState::Deleted => false,
        });
        let concerned: Vec<_> = concerned.map(|service| service.id).collect();
        if concerned.is_empty() {
            let state = if desired == DesiredState::Running { "runs" } else { "is stopped" };
            let detail = format!("Everything in {} {state} already.", application.name);
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        if desired == DesiredState::Running {
            self.require_room(0)?;
            require_credit(&mut txn, application.owner_id, "Starting services").await?;
        }
        let mut operations = Vec::new();
        for service in concerned {
            let row = self.lock_owned_service(&mut txn, actor, service).await?;
            if desired == DesiredState::Running {
                self.complete_secrets(&mut txn, &row).await?;
            }
            let intent = ServiceIntent { desired, ..row.service.intent() };
            operations.push(self.intend(&mut txn, actor, &row, &intent, kind, "").await?);
        }
        let target = format!("application {}", application.name);
        let action = format!("application.{kind}");
        self.record_plain(&mut txn, actor, &action, &target, EventKind::Application, Some(id), None).await?;
        txn.commit().await?;
        self.accepted_all(actor, operations).await
    }
}
