//! Services that use other services of their application: they get connection details as environment variables.

use crate::{Actor, Outcome, UseCases, services::OwnedService};
use aerie_domain::{
    DesiredState, OperationKind, Problem, ProblemCode, ServiceId, VariableName,
    views::{Accepted, BindService, BindingView, ConnectionsView},
};
use aerie_store::{BindingRow, ServiceRow, Txn};
use async_recursion::async_recursion as boxed;

/// Longest prefix, so that the whole names stay within what a variable may be called.
const MAX_PREFIX: usize = 32;

impl UseCases {
    /// Lets a service use another one of its application, or gives the binding another prefix.
    #[boxed]
    pub async fn bind_service(
        &self,
        actor: &Actor,
        id: ServiceId,
        other: ServiceId,
        form: BindService,
    ) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let application = match txn.service_with_owner(id).await? {
            Some((_, application, owner)) if owner.id == actor.user => application.id,
            _ => return Err(Problem::not_found("service").into()),
        };
        // Two bindings at the same time could make a circle that neither of them sees.
        self.lock_owned_application(&mut txn, actor, application).await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        let used = match txn.service_fetch(other).await? {
            Some(used) if used.application_id == application && used.desired != DesiredState::Deleted => used,
            _ => return Err(Problem::not_found("service").into()),
        };
        let Some(offers) = &self.kind_of(&used.kind)?.spec.offers else {
            let detail = format!("{} has nothing to offer to other services.", used.name);
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        };
        let all = txn.bindings_of_application(application).await?;
        if other == id || leads_to(&all, other, id) {
            let detail =
                format!("{} uses {} already, and services cannot use each other.", used.name, row.service.name);
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        let own: Vec<&BindingRow> = all.iter().filter(|b| b.service_id == id && b.uses_id != other).collect();
        let prefix = prefix(form.prefix.as_deref(), &offers.prefix, &used, &own)?;
        txn.binding_put(&BindingRow { service_id: id, uses_id: other, prefix }).await.map_err(|error| {
            match error.constraint() {
                Some("service_bindings_prefix_key") => taken(),
                _ => error.into(),
            }
        })?;
        let intent = row.service.intent();
        self.accept(txn, actor, &row, &intent, OperationKind::Configure).await
    }

    /// Takes a service's connection details away from another one.
    #[boxed]
    pub async fn unbind_service(&self, actor: &Actor, id: ServiceId, other: ServiceId) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        if !txn.binding_delete(id, other).await? {
            return Err(Problem::not_found("binding").into());
        }
        let intent = row.service.intent();
        self.accept(txn, actor, &row, &intent, OperationKind::Configure).await
    }

    /// How a service is connected with its siblings.
    pub(crate) async fn connections(&self, service: &ServiceRow, siblings: &[ServiceRow]) -> Outcome<ConnectionsView> {
        let all = self.store().bindings_of_application(service.application_id).await?;
        let sibling = |id: ServiceId| siblings.iter().find(|sibling| sibling.id == id);
        let offers =
            |service: &ServiceRow| self.kinds().get(service.kind.as_str()).and_then(|kind| kind.spec.offers.as_ref());
        let own = |binding: &&BindingRow| binding.service_id == service.id;
        let uses = all.iter().filter(own).filter_map(|binding| {
            let used = sibling(binding.uses_id)?;
            let names = offers(used).into_iter().flat_map(|offers| offers.variables.keys());
            let variables = names.map(|name| format!("{}_{name}", binding.prefix)).collect();
            Some(BindingView { service: self.link(used), prefix: binding.prefix.clone(), variables })
        });
        let clients = all.iter().filter(|b| b.uses_id == service.id).filter_map(|b| sibling(b.service_id));
        let usable = siblings.iter().filter(|other| {
            other.id != service.id
                && other.desired != DesiredState::Deleted
                && offers(other).is_some()
                && !all.iter().filter(own).any(|binding| binding.uses_id == other.id)
                && !leads_to(&all, other.id, service.id)
        });
        Ok(ConnectionsView {
            uses: uses.collect(),
            used_by: clients.map(|client| self.link(client)).collect(),
            usable: usable.map(|other| self.link(other)).collect(),
            offers: offers(service).is_some(),
            uses_others: self.kind_of(&service.kind)?.uses_others(),
            takes_variables: self.kind_of(&service.kind)?.takes_variables(),
        })
    }

    /// Refuses when other services use this one.
    pub(crate) async fn ensure_unused(&self, txn: &mut Txn<'_>, row: &OwnedService) -> Outcome<()> {
        let names = self.users(txn, row).await?.into_iter().map(|user| user.name.to_string());
        let names: Vec<String> = names.collect();
        if names.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "{} is used by {}. End that first, or say that they shall lose it (unbind=true).",
            row.service.name,
            names.join(" and ")
        );
        Err(Problem::new(ProblemCode::Conflict, detail).into())
    }

    /// Their variables follow from this service, so their managers look again.
    pub(crate) async fn wake_users(&self, txn: &mut Txn<'_>, row: &OwnedService) -> Outcome<()> {
        for user in self.users(txn, row).await? {
            txn.wake_service(user.id).await?;
        }
        Ok(())
    }

    async fn users(&self, txn: &mut Txn<'_>, row: &OwnedService) -> Outcome<Vec<ServiceRow>> {
        let all = txn.bindings_of_application(row.application.id).await?;
        let siblings = txn.service_list(row.application.id).await?;
        let uses = |id| all.iter().any(|binding| binding.service_id == id && binding.uses_id == row.service.id);
        Ok(siblings
            .into_iter()
            .filter(|sibling| uses(sibling.id) && sibling.desired != DesiredState::Deleted)
            .collect())
    }
}

/// Whether `from` uses `to`, directly or by way of others. There are no circles among the bindings that exist.
fn leads_to(bindings: &[BindingRow], from: ServiceId, to: ServiceId) -> bool {
    bindings
        .iter()
        .filter(|binding| binding.service_id == from)
        .any(|b| b.uses_id == to || leads_to(bindings, b.uses_id, to))
}

/// What was asked for; else the kind's usual one; else, when that is taken, the service's own name in capitals.
fn prefix(asked: Option<&str>, usual: &str, used: &ServiceRow, own: &[&BindingRow]) -> Outcome<String> {
    let is_taken = |prefix: &str| own.iter().any(|binding| binding.prefix == prefix);
    let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else {
        let by_name = used.name.as_str().replace('-', "_").to_ascii_uppercase();
        let free = [usual, by_name.as_str()].into_iter().find(|prefix| !is_taken(prefix) && makes_names(prefix));
        return free.map(str::to_owned).ok_or_else(taken);
    };
    if !makes_names(asked) {
        let message = format!("must be a word of at most {MAX_PREFIX} capitals, digits and underscores, such as DB");
        return Err(Problem::field("prefix", message).into());
    }
    if is_taken(asked) { Err(taken()) } else { Ok(asked.to_owned()) }
}

/// Whether names of variables can begin with it; what is the platform's own does not count.
fn makes_names(prefix: &str) -> bool {
    prefix.len() <= MAX_PREFIX
        && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && format!("{prefix}_X").parse::<VariableName>().is_ok()
}

fn taken() -> crate::Failure {
    Problem::field("prefix", "is already taken by another service that this one uses").into()
}
