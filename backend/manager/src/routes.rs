//! Which public host names there are, and who answers them: what the entry's files are made from.

use aerie_domain::{RolePhase, ServiceState};
use aerie_kinds::{Kind, Kinds, Member, Route};
use aerie_store::RouteSource;

/// Kinds whose services have public host names.
pub fn public_kinds(kinds: &Kinds) -> Vec<aerie_domain::KindName> {
    kinds.iter().filter(|kind| is_public(kind)).map(|kind| kind.spec.name.clone()).collect()
}

fn is_public(kind: &Kind) -> bool {
    kind.spec.public.is_some() && !kind.spec.receives_routes && !kind.spec.host_network
}

/// The routes of all public services, in a stable order.
pub fn routes(sources: &[RouteSource], kinds: &Kinds, domain: &str) -> Vec<Route> {
    let mut routes: Vec<Route> =
        sources.iter().filter_map(|source| route(source, kinds.get(source.kind.as_str())?, domain)).collect();
    routes.sort_by(|a, b| a.hosts.cmp(&b.hosts));
    routes
}

fn route(source: &RouteSource, kind: &Kind, domain: &str) -> Option<Route> {
    let public = kind.spec.public.as_ref().filter(|_| is_public(kind))?;
    let application = format!("{}.{}.{domain}", source.application_name, source.owner_name);
    let mut hosts = vec![format!("{}.{application}", source.service_name)];
    if source.is_main {
        hosts.push(application);
    }
    let open = !matches!(source.state, ServiceState::Init | ServiceState::Epilogue | ServiceState::Stopped);
    let members = source
        .instances
        .iter()
        .filter(|instance| open && instance.wanted)
        .filter(|instance| {
            instance.roles.iter().any(|role| role.role == public.role && role.phase == RolePhase::Serving)
        })
        .filter_map(|instance| Some(Member { name: instance.short.clone(), address: instance.address.clone()? }))
        .collect();
    Some(Route {
        name: format!("service-{}", source.service_id.short()),
        hosts,
        members,
        port: public.port,
        state: words(source.state).to_owned(),
    })
}

/// For the page that visitors see while nobody answers.
const fn words(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Init => "has not been started yet",
        ServiceState::Prologue => "is starting",
        ServiceState::Running | ServiceState::Adapting => "is not answering right now",
        ServiceState::Epilogue => "is stopping",
        ServiceState::Stopped => "is stopped",
        ServiceState::Error => "has a problem",
    }
}
