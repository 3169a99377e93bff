//! Actions: buttons of a service that run a script on its instances.
//!
//! A press becomes rows: a run, and an open result per instance. The service's manager gives the instances their tasks and
//! notes what agents tell of them; nothing here waits for that. `rules` says what may be pressed, without I/O.

pub(crate) mod rules;

use crate::{Actor, Outcome, UseCases, services::OwnedService};
use aerie_domain::{
    ActionRunId, DesiredState, Problem, ProblemCode, ServiceId,
    views::{
        ActionInstanceView, ActionResultView, ActionRunView, ActionState, ActionsView, EventKind, LightView, RunAction,
        RunsQuery,
    },
};
use aerie_kinds::{ActionSpec, Kind};
use aerie_store::{
    ActionResultRow, ActionRunRow, InstanceLite, NewActionResult, NewActionRun, NewEvent, ServiceRow, Txn,
};
use async_recursion::async_recursion as boxed;
use rules::{Candidate, obstacle};

/// Runs that are kept per service. More: more rows of people who press all day.
const KEEP: i64 = 100;
/// Runs of a service that may be open at the same time. More: configurations grow.
const MAX_OPEN: usize = 20;
/// Runs on the page.
const SHOWN: i64 = 5;
/// Runs of one answer of the history.
const LISTED: i64 = 50;

impl UseCases {
    /// The actions of a service, with what became of them.
    #[boxed]
    pub async fn actions(&self, actor: &Actor, id: ServiceId) -> Outcome<ActionsView> {
        let (service, ..) = self.readable_service(actor, id).await?;
        let kind = self.kind_of(&service.kind)?;
        if kind.spec.actions.is_empty() {
            return Ok(ActionsView::default());
        }
        let instances = self.store().instances_of_services(&[id]).await?;
        let lights = self.store().action_lights(id).await?;
        let open = self.store().actions_open(id).await?;
        let runs = self.store().action_runs(id, None, SHOWN).await?;
        let candidates = candidates(&instances);
        let obstacles = kind.spec.actions.iter().filter_map(|action| {
            let why = running(&service).and_then(|()| obstacle(action, &candidates, &open));
            Some((action.name.to_string(), why.err()?))
        });
        let acts = |instance: &&InstanceLite| {
            let mut roles = kind.spec.actions.iter().flat_map(|action| &action.roles);
            instance.wanted && roles.any(|role| instance.roles.iter().any(|own| own.role == *role))
        };
        Ok(ActionsView {
            actions: kind.spec.actions.iter().map(ActionSpec::view).collect(),
            obstacles: obstacles.collect(),
            instances: instances.iter().filter(acts).map(|instance| instance_view(instance, &lights)).collect(),
            runs: self.with_results(runs).await?,
        })
    }

    /// Runs of a service's actions, newest first.
    #[boxed]
    pub async fn action_runs(&self, actor: &Actor, id: ServiceId, query: &RunsQuery) -> Outcome<Vec<ActionRunView>> {
        let (service, ..) = self.readable_service(actor, id).await?;
        let runs = self.store().action_runs(service.id, query.before, LISTED).await?;
        self.with_results(runs).await
    }

    /// Presses a button.
    #[boxed]
    pub async fn run_action(
        &self,
        actor: &Actor,
        id: ServiceId,
        name: &str,
        form: RunAction,
    ) -> Outcome<ActionRunView> {
        actor.may_write()?;
        let (service, ..) = self.owned_service(actor, id).await?;
        let kind = self.kind_of(&service.kind)?;
        let action = action(kind, name)?;
        let values = rules::values(action, &form.values).map_err(Problem::fields)?;
        // Read before the transaction: who goes meanwhile is noticed by the manager.
        let instances = self.store().instances_of_services(&[id]).await?;
        if let Some(chosen) = &form.instances
            && chosen.iter().any(|id| instances.iter().all(|instance| instance.id != *id))
        {
            return Err(Problem::not_found("instance").into());
        }
        let candidates = candidates(&instances);
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        running(&row.service).map_err(refused)?;
        let open = txn.actions_open(id).await?;
        obstacle(action, &candidates, &open).map_err(refused)?;
        let on = rules::targets(action, &candidates, form.instances.as_deref(), &open)?;
        if open.iter().map(|open| open.run_id).collect::<std::collections::BTreeSet<_>>().len() >= MAX_OPEN {
            let detail = format!("{MAX_OPEN} actions of this service have not ended yet. Wait for some of them.");
            return Err(Problem::new(ProblemCode::LimitReached, detail).into());
        }
        let run = ActionRunId::generate();
        let on = on.into_iter().map(|(candidate, role)| NewActionResult {
            instance_id: candidate.id,
            short: candidate.short.to_owned(),
            role: role.clone(),
            life: candidate.life,
        });
        let new = NewActionRun {
            id: run,
            service_id: id,
            action: action.name.clone(),
            values,
            actor_id: actor.user,
            on: on.collect(),
        };
        txn.action_run_insert(&new, KEEP).await?;
        self.tell(&mut txn, actor, &row, &action.name).await?;
        txn.commit().await?;
        let runs = self.store().action_runs(id, None, LISTED).await?;
        let runs = self.with_results(runs.into_iter().filter(|row| row.id == run).collect()).await?;
        runs.into_iter().next().ok_or_else(|| Problem::not_found("run").into())
    }

    async fn tell(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        row: &OwnedService,
        action: &aerie_domain::ActionName,
    ) -> Outcome<()> {
        let (application, service) = (&row.application, &row.service);
        let mut audit = actor.audit("service.action", &format!("service {}/{}", application.name, service.name));
        // What was typed in may be anything, a password included.
        audit.detail = serde_json::json!({ "action": action });
        txn.audit_append(&audit).await?;
        txn.event_append(&NewEvent {
            owner: Some(row.owner.id),
            kind: EventKind::Service,
            application: Some(application.id),
            service: Some(service.id),
            instance: None,
        })
        .await?;
        Ok(txn.wake_service(service.id).await?)
    }

    /// Refuses what open actions do not allow meanwhile.
    pub(crate) async fn ensure_may_activate(&self, txn: &mut Txn<'_>, service: &ServiceRow) -> Outcome<()> {
        let kind = self.kind_of(&service.kind)?;
        let keeps = |name: &aerie_domain::ActionName| {
            let spec = kind.spec.actions.iter().find(|action| action.name == *name);
            spec.is_some_and(|action| action.excludes.iter().any(|other| other.as_str() == ActionSpec::ACTIVATE))
        };
        if !kind.spec.actions.iter().any(|action| keeps(&action.name)) {
            return Ok(());
        }
        match txn.actions_open(service.id).await?.iter().find(|open| keeps(&open.action)) {
            Some(open) => Err(refused(rules::in_the_way(open)).into()),
            None => Ok(()),
        }
    }

    async fn with_results(&self, runs: Vec<ActionRunRow>) -> Outcome<Vec<ActionRunView>> {
        let ids: Vec<ActionRunId> = runs.iter().map(|run| run.id).collect();
        let results = self.store().action_results(&ids).await?;
        let of = |id| results.iter().filter(move |result| result.run_id == id).map(result_view).collect();
        Ok(runs
            .into_iter()
            .map(|ActionRunRow { id, action, values, requested_by, created_at }| ActionRunView {
                id,
                action,
                values,
                requested_by,
                created_at,
                results: of(id),
            })
            .collect())
    }
}

fn action<'a>(kind: &'a Kind, name: &str) -> Outcome<&'a ActionSpec> {
    let action = kind.spec.actions.iter().find(|action| action.name.as_str() == name);
    action.ok_or_else(|| Problem::not_found("action").into())
}

fn running(service: &ServiceRow) -> Result<(), String> {
    if service.desired == DesiredState::Running {
        Ok(())
    } else {
        Err("Start the service first: it has no instances that could do this.".to_owned())
    }
}

fn refused(detail: String) -> Problem {
    Problem::new(ProblemCode::Conflict, detail)
}

/// Instances that take tasks: their agents have told which life they live, and some role of theirs serves.
fn candidates(instances: &[InstanceLite]) -> Vec<Candidate<'_>> {
    instances.iter().filter_map(Candidate::of).collect()
}

fn instance_view(instance: &InstanceLite, lights: &[ActionResultRow]) -> ActionInstanceView {
    ActionInstanceView {
        id: instance.id,
        short: instance.short.clone(),
        roles: instance.roles.iter().map(|role| role.role.to_string()).collect(),
        ready: Candidate::of(instance).is_some(),
        lights: lights.iter().filter(|light| light.instance_id == instance.id).map(light_view).collect(),
    }
}

fn light_view(row: &ActionResultRow) -> LightView {
    LightView {
        action: row.action.clone(),
        run: row.run_id,
        state: row.state,
        code: row.code,
        message: row.message.clone(),
    }
}

fn result_view(row: &ActionResultRow) -> ActionResultView {
    ActionResultView {
        instance_id: row.instance_id,
        instance: row.short.clone(),
        role: row.role.clone(),
        state: row.state,
        code: row.code,
        message: row.message.clone(),
        started_at: row.started_at,
        ended_at: row.ended_at.filter(|_| row.state != ActionState::Asked),
    }
}
