//! What a service gets from the services it is bound to, and its own secrets: read for its [`World`](crate::world::World).

use aerie_domain::{DesiredState, ServiceState};
use aerie_kinds::{Bound, Kinds, OfferContext};
use aerie_store::{ApplicationRow, ServiceRow, Store, StoreError};
use std::collections::BTreeMap;

/// See [`crate::world::Service`] for the fields.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub secrets: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
    pub bindings: BTreeMap<String, Bound>,
    pub awaited: Vec<String>,
    pub leaving: Vec<String>,
    pub restarting: Vec<String>,
}

/// Reads them. A used service that cannot offer anything now (its kind is gone, or newer than its last start) gives
/// nothing: what it would give is not usable either.
pub(crate) async fn read(
    store: &Store,
    kinds: &Kinds,
    row: &ServiceRow,
    application: &ApplicationRow,
) -> Result<Uses, StoreError> {
    let has_secrets = kinds.get(row.kind.as_str()).is_some_and(|kind| !kind.spec.secrets.is_empty());
    let bindings = store.bindings_of_service(row.id).await?;
    let leaving = leaving(store, row).await?;
    if bindings.is_empty() && !has_secrets {
        return Ok(Uses { leaving, ..Uses::default() });
    }
    let ids: Vec<_> = bindings.iter().map(|binding| binding.uses_id).chain([row.id]).collect();
    let mut secrets = store.secrets(&ids).await?;
    let mut uses = Uses { secrets: secrets.remove(&row.id).unwrap_or_default().0, leaving, ..Uses::default() };
    if bindings.is_empty() {
        return Ok(uses);
    }
    let siblings = store.service_list(application.id).await?;
    for binding in bindings {
        let Some(server) = siblings.iter().find(|sibling| sibling.id == binding.uses_id) else { continue };
        let Some(kind) = kinds.get(server.kind.as_str()) else { continue };
        if is_awaited(server) {
            uses.awaited.push(server.name.to_string());
        }
        if is_restarting(server) {
            uses.restarting.push(server.name.to_string());
        }
        let context = OfferContext {
            service: server.name.to_string(),
            application: application.name.to_string(),
            settings: server.settings.clone(),
            secrets: secrets.remove(&server.id).unwrap_or_default().0,
        };
        let Ok(offers) = kind.offers(&context) else { continue };
        let named = |offer: &aerie_kinds::Offer| (format!("{}_{}", binding.prefix, offer.name), offer.value.clone());
        uses.variables.extend(offers.iter().map(named));
        let variables = offers.into_iter().map(|offer| (offer.name, offer.value)).collect();
        let bound = Bound { service: server.name.to_string(), kind: server.kind.to_string(), variables };
        uses.bindings.insert(binding.prefix, bound);
    }
    Ok(uses)
}

/// It will be there soon: one that is stopped or fails is not waited for, or nothing would start without it.
fn is_awaited(server: &ServiceRow) -> bool {
    server.desired == DesiredState::Running
        && matches!(
            server.state,
            ServiceState::Init | ServiceState::Prologue | ServiceState::Stopped | ServiceState::Epilogue
        )
}

/// It was asked to restart and has not done so yet. One that fails is not waited for.
fn is_restarting(server: &ServiceRow) -> bool {
    server.desired == DesiredState::Running
        && server.observed_generation < server.restart_generation
        && server.state != ServiceState::Error
}

/// Services that use this one, which is to stop, and are on the way to their own stop.
async fn leaving(store: &Store, row: &ServiceRow) -> Result<Vec<String>, StoreError> {
    if row.desired != DesiredState::Stopped || matches!(row.state, ServiceState::Init | ServiceState::Stopped) {
        return Ok(Vec::new());
    }
    let mut users = store.bindings_of_application(row.application_id).await?;
    users.retain(|binding| binding.uses_id == row.id);
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let siblings = store.service_list(row.application_id).await?;
    let is_user = |sibling: &&ServiceRow| users.iter().any(|binding| binding.service_id == sibling.id);
    let goes = |sibling: &&ServiceRow| {
        sibling.desired == DesiredState::Stopped && !matches!(sibling.state, ServiceState::Init | ServiceState::Stopped)
    };
    Ok(siblings.iter().filter(is_user).filter(goes).map(|sibling| sibling.name.to_string()).collect())
}
