//! Applications: what a user composes out of services.

use crate::{Actor, Outcome, UseCases, services::taken, view};
use aerie_domain::{
    ApplicationId, ApplicationName, DesiredState, NameError, OperationKind, Problem, ProblemCode,
    views::{ApplicationView, CreateApplication, EventKind, Page, PageQuery, Rename},
};
use aerie_store::{ApplicationRow, NewOperation, ServiceIntent, ServiceRow, Txn};
use async_recursion::async_recursion as boxed;
use std::collections::BTreeSet;

impl UseCases {
    /// The actor's applications with their services, oldest first.
    #[boxed]
    pub async fn applications(&self, actor: &Actor, page: &PageQuery) -> Outcome<Page<ApplicationView>> {
        let after = page.after.as_deref().map(str::parse::<ApplicationId>).transpose();
        let after = after.map_err(|_| Problem::field("after", "must be the next of an earlier page"))?;
        let limit = page.limit() as usize;
        let mut rows = self.store().application_list(actor.user, after, i64::from(page.limit()) + 1).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let services = self.store().services_of_applications(&ids).await?;
        let service_ids: Vec<_> = services.iter().map(|service| service.id).collect();
        let instances = self.store().instances_in_lists(&service_ids).await?;
        let mut items: Vec<ApplicationView> = rows
            .iter()
            .map(|row| view::application(self.settings(), self.kinds(), row, &actor.name, &services, &instances))
            .collect();
        self.add_figures(items.iter_mut().flat_map(|item| &mut item.services)).await?;
        let next = if more { rows.last().map(|row| row.id.to_string()) } else { None };
        Ok(Page { items, next })
    }

    /// One application that the actor may look at.
    #[boxed]
    pub async fn application(&self, actor: &Actor, id: ApplicationId) -> Outcome<ApplicationView> {
        let (row, owner) = match self.store().application_with_owner(id).await? {
            Some((row, owner)) if actor.may_read_of(owner.id) => (row, owner),
            _ => return Err(Problem::not_found("application").into()),
        };
        let services = self.store().service_list(id).await?;
        let service_ids: Vec<_> = services.iter().map(|service| service.id).collect();
        let instances = self.store().instances_in_lists(&service_ids).await?;
        let mut view = view::application(self.settings(), self.kinds(), &row, &owner.name, &services, &instances);
        self.add_figures(&mut view.services).await?;
        self.add_uses(&mut view).await?;
        Ok(ApplicationView { read_only: owner.id != actor.user, ..view })
    }

    /// The application, locked until the transaction ends and not about to be removed.
    pub(crate) async fn lock_owned_application(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        id: ApplicationId,
    ) -> Outcome<ApplicationRow> {
        let row = match txn.application_lock(id).await? {
            Some(row) if row.owner_id == actor.user => row,
            _ => return Err(Problem::not_found("application").into()),
        };
        if row.deleting_at.is_some() {
            return Err(Problem::new(ProblemCode::Conflict, "This application is being deleted.").into());
        }
        Ok(row)
    }

    /// Makes an empty application.
    #[boxed]
    pub async fn create_application(&self, actor: &Actor, form: CreateApplication) -> Outcome<ApplicationView> {
        actor.may_write()?;
        let name = application_name(&form.name)?;
        let limit = self.settings().max_applications;
        if self.store().application_count(actor.user).await? >= i64::from(limit) {
            let detail = format!("You may have at most {limit} applications. Delete one that you no longer need.");
            return Err(Problem::new(ProblemCode::LimitReached, detail).into());
        }
        let mut txn = self.store().begin().await?;
        let row = txn
            .application_insert(actor.user, &name)
            .await
            .map_err(|error| taken(error, "applications_name_key", "another application of yours"))?;
        let target = format!("application {name}");
        self.record_plain(&mut txn, actor, "application.create", &target, EventKind::Application, Some(row.id), None)
            .await?;
        txn.commit().await?;
        self.application(actor, row.id).await
    }

    /// Gives an application another name. Its public addresses change with it.
    #[boxed]
    pub async fn rename_application(&self, actor: &Actor, id: ApplicationId, form: Rename) -> Outcome<ApplicationView> {
        actor.may_write()?;
        let name = application_name(&form.name)?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_application(&mut txn, actor, id).await?;
        txn.application_rename(id, &name)
            .await
            .map_err(|error| taken(error, "applications_name_key", "another application of yours"))?;
        let target = format!("application {} to {name}", row.name);
        self.record_plain(&mut txn, actor, "application.rename", &target, EventKind::Application, Some(id), None)
            .await?;
        for service in txn.service_list(id).await? {
            txn.wake_service(service.id).await?;
        }
        self.wake_entry(&mut txn).await?;
        txn.commit().await?;
        self.application(actor, id).await
    }

    /// Removes an application with all its services, in whatever state they are. Cannot be taken back, but its volumes
    /// are in the trash for a while. Those that services of it keep go with these: `losing` has to name them, separated by
    /// commas.
    #[boxed]
    pub async fn delete_application(&self, actor: &Actor, id: ApplicationId, losing: &str) -> Outcome<()> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_application(&mut txn, actor, id).await?;
        let services = txn.service_list(id).await?;
        require_named(&kept_by(&mut txn, &services).await?, losing)?;
        txn.volumes_trash(id).await?;
        if services.is_empty() {
            txn.application_delete(id).await?;
        } else {
            txn.application_mark_deleting(id).await?;
        }
        for service in services {
            let Some(service) = txn.service_lock(service.id).await? else { continue };
            let intent = ServiceIntent { desired: DesiredState::Deleted, ..service.intent() };
            let generation = txn.service_set_intent(service.id, &intent).await?;
            txn.operation_insert(&NewOperation {
                id: aerie_domain::OperationId::generate(),
                service_id: service.id,
                owner_id: row.owner_id,
                kind: OperationKind::Delete,
                target_generation: generation,
                actor_id: Some(actor.user),
            })
            .await?;
            txn.wake_service(service.id).await?;
        }
        let target = format!("application {}", row.name);
        self.record_plain(&mut txn, actor, "application.delete", &target, EventKind::Application, Some(id), None)
            .await?;
        Ok(txn.commit().await?)
    }

    /// Names of the volumes that would go for good with an application: its services keep what is on them. Those in the trash
    /// are among them.
    #[boxed]
    pub async fn volumes_kept_inside(&self, actor: &Actor, id: ApplicationId) -> Outcome<Vec<String>> {
        match self.store().application_with_owner(id).await? {
            Some((_, owner)) if actor.may_read_of(owner.id) => {}
            _ => return Err(Problem::not_found("application").into()),
        }
        let mut names = BTreeSet::new();
        for service in self.store().service_list(id).await? {
            if self.kinds().get(service.kind.as_str()).is_some_and(|kind| kind.spec.mounter().is_some()) {
                let volumes = self.store().volumes_carried(service.id).await?;
                names.extend(volumes.into_iter().map(|row| row.name.to_string()));
            }
        }
        Ok(names.into_iter().collect())
    }
}

/// Names of the volumes whose content these services keep.
async fn kept_by(txn: &mut Txn<'_>, services: &[ServiceRow]) -> Outcome<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for service in services {
        names.extend(txn.volumes_carried(service.id).await?.into_iter().map(|row| row.name.to_string()));
    }
    Ok(names)
}

/// Volumes are never lost in passing: whoever deletes what keeps them has to name them.
fn require_named(kept: &BTreeSet<String>, losing: &str) -> Outcome<()> {
    let told: BTreeSet<&str> = losing.split(',').map(str::trim).collect();
    if kept.iter().all(|name| told.contains(name.as_str())) {
        return Ok(());
    }
    let names = kept.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    let detail = format!(
        "What is on these volumes is kept by services of this application and would go with them for good, not to the \
         trash: {names}. Whoever wants that has to name them all (losing={names})."
    );
    Err(Problem::new(ProblemCode::Conflict, detail).into())
}

fn application_name(text: &str) -> Outcome<ApplicationName> {
    text.trim().parse().map_err(|error: NameError| Problem::field("name", error.to_string()).into())
}
