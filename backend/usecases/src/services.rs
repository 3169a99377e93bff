//! Services: what their owners want of them. Everything that takes a while is accepted here in one short transaction
//! (intent, generation, operation, audit, event) and brought about by the service's manager.

mod changes;

use crate::{Actor, Outcome, UseCases, access, credit::require_credit, view};
use aerie_crash_points as crash_points;
use aerie_domain::{
    ApplicationId, DesiredState, OperationId, OperationKind, Problem, ProblemCode, RoleName, ServiceId, ServiceName,
    views::{Accepted, ChangeSettings, CreateService, EventKind, Rename, Scale, ServiceSummary, ServiceView},
};
use aerie_store::{
    ApplicationRow, NewEvent, NewOperation, NewService, OwnerRow, ServiceIntent, ServiceRow, Txn, VolumeRow,
};
use async_recursion::async_recursion as boxed;
use changes::{apply_counts, apply_settings, apply_variables, default_counts};
use std::collections::BTreeMap;

/// Services per application. Larger: one class mate can fill the machine.
const MAX_SERVICES: usize = 20;

/// A service with the application it belongs to and that application's owner.
pub(crate) struct OwnedService {
    pub service: ServiceRow,
    pub application: ApplicationRow,
    pub owner: OwnerRow,
}

impl UseCases {
    /// A service that the actor may look at, or "not found".
    pub(crate) async fn readable_service(
        &self,
        actor: &Actor,
        id: ServiceId,
    ) -> Outcome<(ServiceRow, ApplicationRow, OwnerRow)> {
        match self.store().service_with_owner(id).await? {
            Some((service, application, owner)) if actor.may_read_of(owner.id) => Ok((service, application, owner)),
            _ => Err(Problem::not_found("service").into()),
        }
    }

    /// A service of the actor's, or "not found".
    pub(crate) async fn owned_service(
        &self,
        actor: &Actor,
        id: ServiceId,
    ) -> Outcome<(ServiceRow, ApplicationRow, OwnerRow)> {
        match self.store().service_with_owner(id).await? {
            Some((service, application, owner)) if owner.id == actor.user => Ok((service, application, owner)),
            _ => Err(Problem::not_found("service").into()),
        }
    }

    /// The same, with the service's row locked until the transaction ends: two people who change it take turns.
    pub(crate) async fn lock_owned_service(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        id: ServiceId,
    ) -> Outcome<OwnedService> {
        self.lock_service(txn, id, |owner| owner.id == actor.user).await
    }

    /// A service whose owner is a right one, locked and not about to be removed.
    pub(crate) async fn lock_service(
        &self,
        txn: &mut Txn<'_>,
        id: ServiceId,
        right: impl FnOnce(&OwnerRow) -> bool,
    ) -> Outcome<OwnedService> {
        // All on the transaction's own connection: a second one from the pool could make full pools wait for themselves.
        let (_, application, owner) = match txn.service_with_owner(id).await? {
            Some(found) if right(&found.2) => found,
            _ => return Err(Problem::not_found("service").into()),
        };
        let service = txn.service_lock(id).await?.ok_or_else(|| Problem::not_found("service"))?;
        if service.desired == DesiredState::Deleted {
            return Err(Problem::new(ProblemCode::Conflict, "This service is being deleted.").into());
        }
        Ok(OwnedService { service, application, owner })
    }

    /// The services of an application, oldest first.
    #[boxed]
    pub async fn services(&self, actor: &Actor, application: ApplicationId) -> Outcome<Vec<ServiceSummary>> {
        Ok(self.application(actor, application).await?.services)
    }

    /// A service with everything its page shows.
    #[boxed]
    pub async fn service(&self, actor: &Actor, id: ServiceId) -> Outcome<ServiceView> {
        let (service, application, owner) = self.readable_service(actor, id).await?;
        let kind = self.kind_of(&service.kind)?;
        let siblings = self.store().service_list(application.id).await?;
        let main = view::main_service(self.kinds(), &siblings);
        let instances = self.store().instances_of_services(&[id]).await?;
        let ids: Vec<_> = instances.iter().map(|instance| instance.id).collect();
        let usages = self.store().usages(id).await?;
        let costs = self.store().instance_costs(&ids).await?;
        let versions = self.store().version_list(id, None, i64::from(self.settings().max_versions) + 1).await?;
        let operation = self.store().operation_latest(id).await?;
        let mut view = view::service(&view::ServiceParts {
            settings: self.settings(),
            kinds: self.kinds(),
            kind,
            service: &service,
            application: &application,
            owner: &owner,
            is_main: main == Some(id),
            instances: &instances,
            usages: &usages,
            costs: &costs,
            versions: &versions,
            operation: operation.as_ref(),
            read_only: owner.id != actor.user,
            connections: self.connections(&service, &siblings).await?,
            volumes: self.service_volumes(&service).await?,
        });
        self.add_figures([&mut view.summary]).await?;
        Ok(view)
    }

    /// Adds a service to an application. It is not started: that is a step of its own, because it costs.
    #[boxed]
    pub async fn create_service(
        &self,
        actor: &Actor,
        application: ApplicationId,
        form: CreateService,
    ) -> Outcome<ServiceView> {
        actor.may_write()?;
        let offered =
            self.kind_offered(&form.kind).map_err(|_| Problem::field("kind", "must be one of the offered kinds"))?;
        if !offered.obstacle.is_empty() {
            return Err(Problem::new(ProblemCode::Conflict, offered.obstacle).into());
        }
        let kind = self.kinds().get(&offered.name).ok_or_else(|| Problem::not_found("service kind"))?.clone();
        let id = ServiceId::generate();
        let version = match &kind.spec.code {
            Some(code) => Some(self.default_version(id, kind.folder.join(&code.default), &code.default).await?),
            None => None,
        };
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_application(&mut txn, actor, application).await?;
        let siblings = txn.service_list(application).await?;
        if siblings.len() >= MAX_SERVICES {
            let detail = format!("An application holds at most {MAX_SERVICES} services.");
            return Err(Problem::new(ProblemCode::LimitReached, detail).into());
        }
        let name = match form.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name.parse::<ServiceName>().map_err(|error| Problem::field("name", error.to_string()))?,
            None => free_name(kind.spec.name.as_str(), &siblings)?,
        };
        let new = NewService {
            id,
            application_id: application,
            name: name.clone(),
            kind: kind.spec.name.clone(),
            counts: default_counts(&kind),
            settings: kind.spec.settings.iter().map(|s| (s.name.clone(), s.default.clone())).collect(),
            active_version_id: version.as_ref().map(|version| version.id),
        };
        txn.service_insert(&new)
            .await
            .map_err(|error| taken(error, "services_name_key", "another service of this application"))?;
        txn.secrets_complete(id, &access::fresh_secrets(&kind.spec)?).await?;
        if let Some(version) = &version {
            txn.version_insert(version).await?;
        }
        let target = format!("service {}/{name}", row.name);
        self.record_plain(&mut txn, actor, "service.create", &target, EventKind::Service, Some(application), Some(id))
            .await?;
        self.wake_entry(&mut txn).await?;
        txn.commit().await?;
        self.service(actor, id).await
    }

    /// Host names have changed: the entry has something to look at.
    pub(crate) async fn wake_entry(&self, txn: &mut Txn<'_>) -> Outcome<()> {
        let entries: Vec<_> =
            self.kinds().iter().filter(|kind| kind.spec.receives_routes).map(|kind| kind.spec.name.clone()).collect();
        Ok(txn.wake_kinds(&entries).await?)
    }

    /// Gives a service another name. Its host names change with it.
    #[boxed]
    pub async fn rename_service(&self, actor: &Actor, id: ServiceId, form: Rename) -> Outcome<ServiceView> {
        actor.may_write()?;
        let name: ServiceName = form
            .name
            .trim()
            .parse()
            .map_err(|error: aerie_domain::NameError| Problem::field("name", error.to_string()))?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        if row.service.desired == DesiredState::Running {
            let detail = "Stop the service first: its name is part of addresses that running instances use.";
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        txn.service_rename(id, &name)
            .await
            .map_err(|error| taken(error, "services_name_key", "another service of this application"))?;
        self.record(&mut txn, actor, "service.rename", &row, EventKind::Service).await?;
        txn.wake_service(id).await?;
        // its name is in their variables
        self.wake_users(&mut txn, &row).await?;
        self.wake_entry(&mut txn).await?;
        txn.commit().await?;
        self.service(actor, id).await
    }

    /// Starts a service.
    #[boxed]
    pub async fn start_service(&self, actor: &Actor, id: ServiceId) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        self.require_room(0)?;
        require_credit(&mut txn, row.owner.id, "Starting a service").await?;
        self.complete_secrets(&mut txn, &row).await?;
        let intent = ServiceIntent { desired: DesiredState::Running, ..row.service.intent() };
        self.accept(txn, actor, &row, &intent, OperationKind::Start).await
    }

    /// A kind may have more secrets than when the service was made.
    pub(crate) async fn complete_secrets(&self, txn: &mut Txn<'_>, row: &OwnedService) -> Outcome<()> {
        let made = access::fresh_secrets(&self.kind_of(&row.service.kind)?.spec)?;
        Ok(txn.secrets_complete(row.service.id, &made).await?)
    }

    /// Stops a service in whatever state it is. Data, code and settings are kept.
    #[boxed]
    pub async fn stop_service(&self, actor: &Actor, id: ServiceId) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        let intent = ServiceIntent { desired: DesiredState::Stopped, ..row.service.intent() };
        self.accept(txn, actor, &row, &intent, OperationKind::Stop).await
    }

    /// Replaces all instances of a service that runs by new ones, one after the other.
    #[boxed]
    pub async fn restart_service(&self, actor: &Actor, id: ServiceId) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        if row.service.desired != DesiredState::Running {
            return Err(Problem::new(ProblemCode::Conflict, "Only what runs can be restarted. Start it.").into());
        }
        self.require_room(0)?;
        let operation = self.intend_restart(&mut txn, actor, &row).await?;
        txn.commit().await?;
        Ok(Accepted { operation: self.operation(actor, operation).await? })
    }

    /// Writes that all instances there are now shall be replaced.
    pub(crate) async fn intend_restart(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        row: &OwnedService,
    ) -> Outcome<OperationId> {
        let intent = row.service.intent();
        let operation = self.intend(txn, actor, row, &intent, OperationKind::Restart, "").await?;
        txn.service_restart(row.service.id).await?;
        Ok(operation)
    }

    /// Removes a service with its code and data, in whatever state it is, unless others use it. Cannot be taken back.
    #[boxed]
    pub async fn delete_service(&self, actor: &Actor, id: ServiceId) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        self.ensure_unused(&mut txn, &row).await?;
        self.ensure_keeps_nothing(&row).await?;
        self.accept_deletion(txn, actor, &row).await
    }

    /// Removes a service with its code and data also when others use it: they lose its variables.
    #[boxed]
    pub async fn unbind_and_delete_service(&self, actor: &Actor, id: ServiceId) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        self.ensure_keeps_nothing(&row).await?;
        for user in txn.bindings_end(id).await? {
            txn.wake_service(user).await?;
        }
        self.accept_deletion(txn, actor, &row).await
    }

    /// Volumes are never lost in passing: not with the service that keeps what is on them either.
    async fn ensure_keeps_nothing(&self, row: &OwnedService) -> Outcome<()> {
        let volumes = self.store().volumes_carried(row.service.id).await?;
        if volumes.is_empty() {
            return Ok(());
        }
        let name = |volume: &VolumeRow| {
            let trash = if volume.deleted_at.is_some() { " (in the trash)" } else { "" };
            format!("{}{trash}", volume.name)
        };
        let names: Vec<String> = volumes.iter().map(name).collect();
        let detail = format!(
            "{} keeps what is on {}. It can be deleted when they are gone, or with the whole application; stopped, it costs nothing.",
            row.service.name,
            names.join(", ")
        );
        Err(Problem::new(ProblemCode::Conflict, detail).into())
    }

    async fn accept_deletion(&self, txn: Txn<'_>, actor: &Actor, row: &OwnedService) -> Outcome<Accepted> {
        let intent = ServiceIntent { desired: DesiredState::Deleted, ..row.service.intent() };
        self.accept(txn, actor, row, &intent, OperationKind::Delete).await
    }

    /// Changes how many of each role are wanted.
    #[boxed]
    pub async fn scale_service(&self, actor: &Actor, id: ServiceId, form: Scale) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        if form.if_generation.is_some_and(|generation| generation != row.service.generation) {
            let detail = "Somebody changed this service since you looked at it. Look again, then scale.";
            return Err(Problem::new(ProblemCode::ChangedMeanwhile, detail).into());
        }
        let kind = self.kind_of(&row.service.kind)?;
        let mut intent = row.service.intent();
        apply_counts(kind, &form, &mut intent.counts)?;
        let paid = |counts: &BTreeMap<RoleName, u32>| {
            aerie_kinds::place(&kind.spec, counts).iter().filter(|placement| !placement.auxiliary).count()
        };
        let instances = paid(&intent.counts);
        if instances > self.settings().max_instances as usize {
            let detail = format!(
                "That would be {instances} instances; a service may have at most {}.",
                self.settings().max_instances
            );
            return Err(Problem::new(ProblemCode::LimitReached, detail).into());
        }
        if intent.counts.iter().any(|(role, count)| row.service.counts.get(role).is_none_or(|before| count > before)) {
            self.require_room(0)?;
        }
        if instances > paid(&row.service.counts) {
            require_credit(&mut txn, row.owner.id, "Scaling up").await?;
        }
        self.accept(txn, actor, &row, &intent, OperationKind::Scale).await
    }

    /// Changes settings and environment variables.
    #[boxed]
    pub async fn configure_service(&self, actor: &Actor, id: ServiceId, form: ChangeSettings) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        let kind = self.kind_of(&row.service.kind)?;
        let mut intent = row.service.intent();
        let mut errors = apply_settings(kind, &form.settings, &mut intent.settings);
        errors.extend(apply_variables(&form.variables, &mut intent.variables));
        if !errors.is_empty() {
            return Err(Problem::fields(errors).into());
        }
        // what it offers may depend on its settings
        self.wake_users(&mut txn, &row).await?;
        self.accept(txn, actor, &row, &intent, OperationKind::Configure).await
    }

    pub(crate) fn require_code(&self, service: &ServiceRow) -> Outcome<()> {
        if self.kind_of(&service.kind)?.spec.code.is_some() {
            Ok(())
        } else {
            Err(Problem::new(ProblemCode::Conflict, "Services of this kind take no code.").into())
        }
    }

    /// Writes an intent and everything that goes with it, commits, and answers with the operation.
    pub(crate) async fn accept(
        &self,
        txn: Txn<'_>,
        actor: &Actor,
        row: &OwnedService,
        intent: &ServiceIntent,
        kind: OperationKind,
    ) -> Outcome<Accepted> {
        self.accept_because(txn, actor, row, intent, kind, "").await
    }

    /// The same, with a reason for the audit log when it is not the owner's own wish.
    pub(crate) async fn accept_because(
        &self,
        mut txn: Txn<'_>,
        actor: &Actor,
        row: &OwnedService,
        intent: &ServiceIntent,
        kind: OperationKind,
        reason: &str,
    ) -> Outcome<Accepted> {
        let id = self.intend(&mut txn, actor, row, intent, kind, reason).await?;
        txn.commit().await?;
        crash_points::pass(crash_points::Point::RequestAccepted);
        Ok(Accepted { operation: self.operation(actor, id).await? })
    }

    /// Writes an intent and everything that goes with it, without an end of the transaction.
    pub(crate) async fn intend(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        row: &OwnedService,
        intent: &ServiceIntent,
        kind: OperationKind,
        reason: &str,
    ) -> Outcome<OperationId> {
        let service = row.service.id;
        let generation = txn.service_set_intent(service, intent).await?;
        let id = OperationId::generate();
        txn.operation_insert(&NewOperation {
            id,
            service_id: service,
            owner_id: row.owner.id,
            kind,
            target_generation: generation,
            actor_id: Some(actor.user),
        })
        .await?;
        let (application, name) = (&row.application, &row.service.name);
        let mut audit = actor.audit(&format!("service.{kind}"), &format!("service {}/{name}", application.name));
        if !reason.is_empty() {
            audit.detail = serde_json::json!({ "reason": reason });
        }
        txn.audit_append(&audit).await?;
        txn.event_append(&NewEvent {
            owner: Some(row.owner.id),
            kind: EventKind::Operation,
            application: Some(application.id),
            service: Some(service),
            instance: None,
        })
        .await?;
        txn.wake_service(service).await?;
        Ok(id)
    }

    /// Audit row and event of a change to a service.
    pub(crate) async fn record(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        action: &str,
        row: &OwnedService,
        event: EventKind,
    ) -> Outcome<()> {
        let target = format!("service {}/{}", row.application.name, row.service.name);
        let (application, service) = (row.application.id, row.service.id);
        self.record_plain(txn, actor, action, &target, event, Some(application), Some(service)).await
    }

    /// Audit row and event of any change.
    #[expect(clippy::too_many_arguments, reason = "one row each of two tables, written together everywhere")]
    pub(crate) async fn record_plain(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        action: &str,
        target: &str,
        event: EventKind,
        application: Option<ApplicationId>,
        service: Option<ServiceId>,
    ) -> Outcome<()> {
        txn.audit_append(&actor.audit(action, target)).await?;
        txn.event_append(&NewEvent { owner: Some(actor.user), kind: event, application, service, instance: None })
            .await?;
        Ok(())
    }
}

/// `php`, or `php-2` … if taken.
fn free_name(kind: &str, siblings: &[ServiceRow]) -> Outcome<ServiceName> {
    let taken = |name: &str| siblings.iter().any(|service| service.name.as_str() == name);
    let name = std::iter::once(kind.to_owned())
        .chain((2..=MAX_SERVICES + 1).map(|number| format!("{kind}-{number}")))
        .find(|name| !taken(name))
        .unwrap_or_else(|| kind.to_owned());
    name.parse().map_err(|error: aerie_domain::NameError| Problem::field("name", error.to_string()).into())
}

/// A unique violation of a name becomes a field error.
pub(crate) fn taken(error: aerie_store::StoreError, constraint: &str, by: &str) -> crate::Failure {
    if error.constraint() == Some(constraint) {
        Problem::field("name", format!("is already taken by {by}")).into()
    } else {
        error.into()
    }
}
